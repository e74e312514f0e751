// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// keepers holds the stream keepers of all configurations. Sinks that are alike,
// in every site that imports one snippet, share one, and a reload keeps it: so a
// finding is reported once.
var keepers = caddy.NewUsagePool()

// keeperKey is all that makes two keepers differ.
type keeperKey struct {
	conn         *conn
	subject      string
	stream       string // as JSON
	maxEventSize int64
}

// streamLogger is looked up for every line, as a keeper outlives configurations.
var streamLogger = func() *zap.Logger { return caddy.Log().Named("segment_pixel.stream") }

// streamKeeper looks after a stream: whenever NATS has been reached, when an event
// found no stream, and every now and then, it creates the stream if that was asked
// for and warns of what the stream lacks, once as long as that is the same.
type streamKeeper struct {
	server       string // as in metrics
	subject      string // with wildcards
	stream       *Stream
	maxEventSize int64

	// batched is the one stream that takes all events and allows batched publish,
	// as far as the last look could tell; empty if there is none.
	batched atomic.Pointer[string]
	// seen is what the looks have told, for those who ask. Nil before the first.
	seen atomic.Pointer[streamsSeen]

	logger  func() *zap.Logger
	stop    func()
	looks   chan struct{}
	pauses  lookPauses
	last    []string // findings of the last look that found out
	failure string   // why the last look failed, if it did
}

const lookTimeout = 5 * time.Second

// lookPauses are how long a keeper waits after a look until the next one.
type lookPauses struct {
	// least keeps many events that find no stream from asking as often.
	least time.Duration
	// unwell is while there is no stream or something to be said of it: a load
	// balancer sends nothing to a sink that is not ready, so no event would show that
	// somebody has mended it.
	unwell time.Duration
	// well is while all is as it should be: a stream may be deleted while no event
	// comes. A look costs the server a request for the list, and one for each stream.
	well time.Duration
	// longest is between looks that keep failing.
	longest time.Duration
}

// usualPauses are replaced in tests.
var usualPauses = lookPauses{
	least:   time.Second,
	unwell:  5 * time.Second,
	well:    time.Minute,
	longest: 5 * time.Minute,
}

// acquireKeeper returns the keeper of a stream, and how to release it.
func acquireKeeper(c *conn, subject string, stream *Stream, maxEventSize int64) (*streamKeeper, func(), error) {
	options, err := json.Marshal(stream)
	if err != nil {
		return nil, nil, err
	}
	key := keeperKey{c, subject, string(options), maxEventSize}
	pooled, _, err := keepers.LoadOrNew(key, func() (caddy.Destructor, error) {
		k := newStreamKeeper(subject, stream, maxEventSize)
		k.watch(c)
		return k, nil
	})
	if err != nil {
		return nil, nil, err
	}
	return pooled.(*streamKeeper), func() { _, _ = keepers.Delete(key) }, nil
}

func newStreamKeeper(subject string, stream *Stream, maxEventSize int64) *streamKeeper {
	return &streamKeeper{
		subject:      subject,
		stream:       stream,
		maxEventSize: maxEventSize,
		logger:       streamLogger,
		looks:        make(chan struct{}, 1),
		pauses:       usualPauses,
	}
}

// watch looks after the stream until the keeper is destructed.
func (k *streamKeeper) watch(c *conn) {
	k.server = c.log.name
	ctx, cancel := context.WithCancel(context.Background())
	remove := c.onConnect(func(*nats.Conn) { k.look() })
	k.stop = func() { remove(); cancel() }
	go k.run(ctx, c)
}

// Destruct ends watching when the last sink has let go of the keeper.
func (k *streamKeeper) Destruct() error {
	k.stop()
	return nil
}

// look asks for a look at the stream, soon.
func (k *streamKeeper) look() {
	select {
	case k.looks <- struct{}{}:
	default:
	}
}

func (k *streamKeeper) run(ctx context.Context, c *conn) {
	pause, failing := k.pauses.well, k.pauses.least
	for {
		select {
		case <-k.looks:
			failing = k.pauses.least
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		if js := c.jetstream(); js != nil && c.connected() && !k.check(ctx, js) {
			// JetStream may still elect its leader: look again, less and less often.
			failing = min(2*failing, k.pauses.longest)
			pause = failing
		} else {
			failing = k.pauses.least
			pause = k.pause()
		}
		select {
		case <-time.After(k.pauses.least):
		case <-ctx.Done():
			return
		}
	}
}

// pause is that after a look that found out. While NATS is away there is none, and
// the connection asks for one when it comes up.
func (k *streamKeeper) pause() time.Duration {
	if len(k.last) > 0 {
		return k.pauses.unwell
	}
	return k.pauses.well
}

// check returns false when it could not find out.
func (k *streamKeeper) check(ctx context.Context, js jetstream.JetStream) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	infos, err := k.find(ctx, js)
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			k.reportFailure(err)
		}
		return false
	}
	names, findings := []string{}, []string{}
	if len(infos) == 0 {
		findings = append(findings, k.missing())
	}
	for _, info := range infos {
		names = append(names, info.Config.Name)
		for _, finding := range k.inspect(&info.Config, js.Conn().MaxPayload()) {
			findings = append(findings, finding.String())
		}
	}
	k.noteBatched(infos)
	k.report(names, findings)
	return true
}

func (k *streamKeeper) noteBatched(infos []*jetstream.StreamInfo) {
	if len(infos) == 1 && infos[0].Config.AllowBatchPublish &&
		slices.ContainsFunc(infos[0].Config.Subjects, func(s string) bool { return covers(s, k.subject) }) {
		k.batched.Store(&infos[0].Config.Name)
		return
	}
	k.batched.Store(nil)
}

func (k *streamKeeper) missing() string {
	if k.stream != nil {
		return fmt.Sprintf("there is no stream %s: create it, or write create into its block", k.stream.Name)
	}
	return fmt.Sprintf("no stream covers the subject %s: create one, or write stream <name> { create } into the sink's block", k.subject)
}

// find returns the stream that was named, creating it if that was asked for, or
// all streams that take events of this sink.
func (k *streamKeeper) find(ctx context.Context, js jetstream.JetStream) ([]*jetstream.StreamInfo, error) {
	var names []string
	if k.stream != nil {
		names = []string{k.stream.Name}
	} else {
		lister := js.StreamNames(ctx, jetstream.WithStreamListSubject(k.subject))
		for name := range lister.Name() {
			names = append(names, name)
		}
		if err := lister.Err(); err != nil {
			return nil, fmt.Errorf("looking for a stream that covers %s: %w", k.subject, err)
		}
	}
	var infos []*jetstream.StreamInfo
	for _, name := range names {
		stream, err := js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) && k.stream != nil && k.stream.Create != nil {
			if stream, err = js.CreateStream(ctx, k.stream.config(k.subject)); err == nil {
				k.logger().Info("created the stream", zap.String("stream", name), zap.Strings("subjects", stream.CachedInfo().Config.Subjects))
			}
		}
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
		case err != nil:
			return nil, fmt.Errorf("stream %s: %w", name, err)
		default:
			infos = append(infos, stream.CachedInfo())
		}
	}
	return infos, nil
}

// Interface guard
var _ caddy.Destructor = (*streamKeeper)(nil)
