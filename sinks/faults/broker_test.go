// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// broker is one nats-server or a cluster of three, and a client of the test's own.
type broker struct {
	servers []*natsServer
	client  *nats.Conn
	js      jetstream.JetStream
}

// startBroker starts the servers and waits until JetStream works.
func startBroker(dir string, servers int) (*broker, error) {
	addresses, err := freeAddresses(servers)
	if err != nil {
		return nil, err
	}
	var routes []string
	if servers > 1 {
		if routes, err = freeAddresses(servers); err != nil {
			return nil, err
		}
	}
	b := new(broker)
	for i, address := range addresses {
		n, err := newNATS(dir, i, address, routes)
		if err != nil {
			return nil, err
		}
		b.servers = append(b.servers, n)
	}
	starts := func(n *natsServer) error { return n.start() }
	if err := inParallel(b.servers, starts); err != nil {
		b.end()
		return nil, err
	}
	if err := b.connect(); err != nil {
		b.end()
		return nil, err
	}
	return b, nil
}

func (b *broker) connect() error {
	var err error
	b.client, err = nats.Connect(strings.Join(b.urls(), ","), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0), nats.Timeout(time.Second))
	if err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.client); err != nil {
		return err
	}
	return await("JetStream works", func() (bool, error) {
		err := briefly(func(ctx context.Context) error {
			_, err := b.js.AccountInfo(ctx)
			return err
		})
		return err == nil, err
	})
}

func (b *broker) urls() []string {
	var urls []string
	for _, n := range b.servers {
		urls = append(urls, "nats://"+n.address)
	}
	return urls
}

// createStream creates a stream as the README recommends it, but for batched
// publishing where the other way is to be tested.
func (b *broker) createStream(w way, change ...func(*jetstream.StreamConfig)) error {
	config := w.stream(len(b.servers))
	for _, c := range change {
		c(&config)
	}
	return await("the stream is created", func() (bool, error) {
		err := briefly(func(ctx context.Context) error {
			_, err := b.js.CreateStream(ctx, config)
			return err
		})
		// The answer to an earlier try may have been late.
		return err == nil || errors.Is(err, jetstream.ErrStreamNameAlreadyInUse), err
	})
}

// updateStream changes a stream.
func (b *broker) updateStream(w way, change func(*jetstream.StreamConfig)) error {
	config := w.stream(len(b.servers))
	change(&config)
	return await("the stream is changed", func() (bool, error) {
		err := briefly(func(ctx context.Context) error {
			_, err := b.js.UpdateStream(ctx, config)
			return err
		})
		return err == nil, err
	})
}

func (b *broker) deleteStream(w way) error {
	return await("the stream is deleted", func() (bool, error) {
		err := briefly(func(ctx context.Context) error { return b.js.DeleteStream(ctx, w.streamName()) })
		return err == nil || errors.Is(err, jetstream.ErrStreamNotFound), err
	})
}

// info returns what is known of a stream, with its leader if it has one.
func (b *broker) info(w way) (*jetstream.StreamInfo, error) {
	var info *jetstream.StreamInfo
	err := briefly(func(ctx context.Context) error {
		stream, err := b.js.Stream(ctx, w.streamName())
		if err == nil {
			info = stream.CachedInfo()
		}
		return err
	})
	return info, err
}

// leader waits until a stream has a leader and returns its server.
func (b *broker) leader(w way) (*natsServer, error) {
	var leader *natsServer
	err := await("the stream has a leader", func() (bool, error) {
		info, err := b.info(w)
		if err != nil || info.Cluster == nil {
			return false, err
		}
		for _, n := range b.servers {
			if n.name == info.Cluster.Leader {
				leader = n
			}
		}
		return leader != nil, nil
	})
	return leader, err
}

// whole waits until every server of the cluster has all of a stream.
func (b *broker) whole(w way) error {
	return await("every replica is current", func() (bool, error) {
		info, err := b.info(w)
		if err != nil || info.Cluster == nil || info.Cluster.Leader == "" {
			return false, err
		}
		for _, replica := range info.Cluster.Replicas {
			if replica.Offline || !replica.Current {
				return false, fmt.Errorf("%s is behind", replica.Name)
			}
		}
		return len(info.Cluster.Replicas) == len(b.servers)-1, nil
	})
}

// stepDown makes a stream's leader give up its office, for the sake of a named
// server if one is named.
func (b *broker) stepDown(w way, successor string) error {
	var request []byte
	if successor != "" {
		request = fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, successor)
	}
	return await("the leader steps down", func() (bool, error) {
		reply, err := b.client.Request("$JS.API.STREAM.LEADER.STEPDOWN."+w.streamName(), request, 2*time.Second)
		if err != nil {
			return false, err
		}
		return strings.Contains(string(reply.Data), `"success":true`), fmt.Errorf("%s", reply.Data)
	})
}

// signalAll sends a signal to every server.
func (b *broker) signalAll(sig os.Signal) error {
	return inParallel(b.servers, func(n *natsServer) error { return n.child.signal(sig) })
}

func (b *broker) end() {
	if b.client != nil {
		b.client.Close()
	}
	for _, n := range b.servers {
		n.end()
	}
}

// briefly gives one try a short time, as one that was under way when its server
// went gets no answer.
func briefly(try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return try(ctx)
}
