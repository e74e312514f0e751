// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// cluster is three servers with a replicated stream and a rig at them.
type cluster struct {
	*rig
	servers []*server.Server
	stream  jetstream.Stream
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{servers: natstest.StartCluster(t)}
	var urls []string
	for _, s := range c.servers {
		urls = append(urls, s.ClientURL())
	}
	c.rig = newRig(t, strings.Join(urls, ","))
	c.stream = createStream(t, c.route.js, func(config *jetstream.StreamConfig) { config.Replicas = 3 })
	return c
}

// leader waits until the stream has a leader.
func (c *cluster) leader(t testing.TB) string {
	t.Helper()
	var name string
	natstest.Eventually(t, "the stream has a leader", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		info, err := c.stream.Info(ctx)
		if err != nil || info.Cluster == nil {
			return false
		}
		name = info.Cluster.Leader
		return name != ""
	})
	return name
}

// stepDown has the stream elect another leader. The answer may get lost with it.
func (c *cluster) stepDown(t testing.TB) {
	t.Helper()
	_, _ = c.route.nc.Request("$JS.API.STREAM.LEADER.STEPDOWN.EVENTS", nil, time.Second)
	c.leader(t)
}

// feed appends events until told to stop, and then tells how many.
func (c *cluster) feed() (stop func() int) {
	end, count := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-end:
				tick.Stop()
				count <- n
				return
			case <-tick.C:
			}
			for range 20 {
				n++
				c.append(event(n))
			}
		}
	}()
	return func() int { close(end); return <-count }
}

func TestLeaderStepsDown(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		c := newCluster(t)
		c.route.batched.Store(batched)
		c.start(t)
		stop := c.feed()
		for i := range 5 {
			c.awaitAcked(t, c.acknowledged()+500)
			if batched && i > 0 {
				// Have batches again in spite of the failure before.
				c.awaitBatch(t)
			}
			c.stepDown(t)
		}
		n := stop()
		c.awaitAcked(t, n)
		c.leader(t)
		wantEach(t, c.route.js, n)
		c.wantNothingAside(t)
	})
}

// awaitBatch waits until the stream has taken a batch again.
func (c *cluster) awaitBatch(t testing.TB) {
	t.Helper()
	wires := tap(t, c.route.nc.ConnectedUrl())
	natstest.Eventually(t, "a batch is published", func() bool { return wires.batched.Load() > 0 })
}

func TestLeaderIsShutDown(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		c := newCluster(t)
		c.route.batched.Store(batched)
		c.start(t)
		stop := c.feed()
		c.awaitAcked(t, 1000)
		name := c.leader(t)
		for _, s := range c.servers {
			if s.Name() == name {
				natstest.Stop(s)
			}
		}
		c.awaitAcked(t, c.acknowledged()+2000)
		n := stop()
		c.awaitAcked(t, n)
		c.leader(t)
		wantEach(t, c.route.js, n)
		c.wantNothingAside(t)
	})
}
