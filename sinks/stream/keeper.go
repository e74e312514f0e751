// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// keepers holds the stream keepers of all configurations. Sinks that are alike,
// in every site that imports one snippet, share one, and a reload keeps it: so a
// finding is reported once.
var keepers = caddy.NewUsagePool()

// keeperKey is all that makes two keepers differ.
type keeperKey struct {
	conn         *natsconn.Conn
	subject      string
	stream       string // as JSON
	maxEventSize int64
}

// Logger is looked up for every line, as a keeper outlives configurations.
var Logger = func() *zap.Logger { return caddy.Log().Named("segment_pixel.stream") }

// Keeper looks after a stream: whenever NATS has been reached, when an event
// found no stream, and every now and then, it creates the stream if that was asked
// for and warns of what the stream lacks, once as long as that is the same.
type Keeper struct {
	server       string // as in metrics
	Subject      string // with wildcards
	Stream       *Stream
	maxEventSize int64

	// batched is the one stream that takes all events and allows batched publish,
	// as far as the last look could tell; empty if there is none.
	Batched atomic.Pointer[string]
	// seen is what the looks have told, for those who ask. Nil before the first.
	seen atomic.Pointer[streamsSeen]

	logger  func() *zap.Logger
	stop    func()
	looks   chan struct{}
	pauses  LookPauses
	Last    []string // findings of the last look that found out
	failure string   // why the last look failed, if it did
}

const lookTimeout = 5 * time.Second

// LookPauses are how long a keeper waits after a look until the next one.
type LookPauses struct {
	// least keeps many events that find no stream from asking as often.
	Least time.Duration
	// unwell is while there is no stream or something to be said of it: a load
	// balancer sends nothing to a sink that is not ready, so no event would show that
	// somebody has mended it.
	Unwell time.Duration
	// well is while all is as it should be: a stream may be deleted while no event
	// comes. A look costs the server a request for the list, and one for each stream.
	Well time.Duration
	// longest is between looks that keep failing.
	Longest time.Duration
}

// UsualPauses are replaced in tests.
var UsualPauses = LookPauses{
	Least:   time.Second,
	Unwell:  5 * time.Second,
	Well:    time.Minute,
	Longest: 5 * time.Minute,
}

// Acquire returns the keeper of a stream, and how to release it.
func Acquire(c *natsconn.Conn, subject string, stream *Stream, maxEventSize int64) (*Keeper, func(), error) {
	options, err := json.Marshal(stream)
	if err != nil {
		return nil, nil, err
	}
	key := keeperKey{c, subject, string(options), maxEventSize}
	pooled, _, err := keepers.LoadOrNew(key, func() (caddy.Destructor, error) {
		k := NewKeeper(subject, stream, maxEventSize)
		k.watch(c)
		return k, nil
	})
	if err != nil {
		return nil, nil, err
	}
	return pooled.(*Keeper), func() { _, _ = keepers.Delete(key) }, nil
}

// NewKeeper returns a keeper that does not look by itself.
func NewKeeper(subject string, stream *Stream, maxEventSize int64) *Keeper {
	return &Keeper{
		Subject:      subject,
		Stream:       stream,
		maxEventSize: maxEventSize,
		logger:       Logger,
		looks:        make(chan struct{}, 1),
		pauses:       UsualPauses,
	}
}

// watch looks after the stream until the keeper is destructed.
func (k *Keeper) watch(c *natsconn.Conn) {
	k.server = c.Log.Name
	ctx, cancel := context.WithCancel(context.Background())
	remove := c.OnConnect(func(*nats.Conn) { k.Look() })
	k.stop = func() { remove(); cancel() }
	go k.run(ctx, c)
}

// Destruct ends watching when the last sink has let go of the keeper.
func (k *Keeper) Destruct() error {
	k.stop()
	return nil
}

// Look asks for a look at the stream, soon.
func (k *Keeper) Look() {
	select {
	case k.looks <- struct{}{}:
	default:
	}
}

func (k *Keeper) run(ctx context.Context, c *natsconn.Conn) {
	pause, failing := k.pauses.Well, k.pauses.Least
	for {
		select {
		case <-k.looks:
			failing = k.pauses.Least
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		if js := c.Jetstream(); js != nil && c.Connected() && !k.Check(ctx, js) {
			// JetStream may still elect its leader: look again, less and less often.
			failing = min(2*failing, k.pauses.Longest)
			pause = failing
		} else {
			failing = k.pauses.Least
			pause = k.Pause()
		}
		select {
		case <-time.After(k.pauses.Least):
		case <-ctx.Done():
			return
		}
	}
}

// Pause is that after a look that found out. While NATS is away there is none, and
// the connection asks for one when it comes up.
func (k *Keeper) Pause() time.Duration {
	if len(k.Last) > 0 {
		return k.pauses.Unwell
	}
	return k.pauses.Well
}

// Check returns false when it could not find out.
func (k *Keeper) Check(ctx context.Context, js jetstream.JetStream) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	infos, err := k.Find(ctx, js)
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) {
			k.reportFailure(err)
		}
		return false
	}
	seen := &streamsSeen{names: []string{}, takes: slices.ContainsFunc(infos, k.takes)}
	if len(infos) == 0 {
		seen.missing = k.Missing(k.Others(ctx, js))
	} else if !seen.takes {
		seen.missing = k.elsewhere(k.Others(ctx, js))
	}
	for _, info := range infos {
		seen.names = append(seen.names, info.Config.Name)
		for _, finding := range k.Inspect(info, js.Conn().MaxPayload(), len(infos) == 1) {
			if finding.Mark != report.OK {
				seen.lacks = append(seen.lacks, finding)
			}
		}
	}
	k.noteBatched(infos)
	k.report(seen)
	return true
}

func (k *Keeper) noteBatched(infos []*jetstream.StreamInfo) {
	if len(infos) == 1 && infos[0].Config.AllowBatchPublish &&
		slices.ContainsFunc(infos[0].Config.Subjects, func(s string) bool { return subject.Covers(s, k.Subject) }) {
		k.Batched.Store(&infos[0].Config.Name)
		return
	}
	k.Batched.Store(nil)
}

// takes tells whether a stream takes events of the sink, if perhaps not all.
func (k *Keeper) takes(info *jetstream.StreamInfo) bool {
	return slices.ContainsFunc(info.Config.Subjects, func(s string) bool { return subject.Overlap(s, k.Subject) })
}

// Others are the streams that take the events in place of the one that is named, as far
// as the user may ask for them.
func (k *Keeper) Others(ctx context.Context, js jetstream.JetStream) []string {
	if k.Stream == nil {
		return nil
	}
	names, _ := k.covering(ctx, js)
	return slices.DeleteFunc(names, func(name string) bool { return name == k.Stream.Name })
}

func (k *Keeper) elsewhere(others []string) string {
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("the subject %s belongs to %s, and the sink names %s: correct the name, or move the subject",
		k.Subject, strings.Join(others, ", "), k.Stream.Name)
}

// Name is that of the stream, or of the one that is recommended where none is named.
func (k *Keeper) Name() string {
	if k.Stream != nil {
		return k.Stream.Name
	}
	return "SEGMENT"
}

// Missing says that no stream takes the events. The others take them in place of the one
// that is named.
func (k *Keeper) Missing(others []string) string {
	if len(others) > 0 {
		return fmt.Sprintf("there is no stream %s, and the subject %s belongs to %s: correct the name, or move the subject",
			k.Stream.Name, k.Subject, strings.Join(others, ", "))
	}
	if k.Stream != nil {
		return fmt.Sprintf("there is no stream %s: create it, or write create into its block", k.Stream.Name)
	}
	return fmt.Sprintf("no stream covers the subject %s: create one, or write stream <name> { create } into the sink's block", k.Subject)
}

// Find returns the stream that was named, creating it if that was asked for, or
// all streams that take events of this sink.
func (k *Keeper) Find(ctx context.Context, js jetstream.JetStream) ([]*jetstream.StreamInfo, error) {
	var names []string
	if k.Stream != nil {
		names = []string{k.Stream.Name}
	} else {
		var err error
		if names, err = k.covering(ctx, js); err != nil {
			return nil, err
		}
	}
	var infos []*jetstream.StreamInfo
	for _, name := range names {
		stream, err := js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) && k.Stream != nil && k.Stream.Create != nil {
			if stream, err = js.CreateStream(ctx, k.Stream.Config(k.Subject)); err == nil {
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

// covering are the streams that take events of the sink.
func (k *Keeper) covering(ctx context.Context, js jetstream.JetStream) (names []string, err error) {
	lister := js.StreamNames(ctx, jetstream.WithStreamListSubject(k.Subject))
	for name := range lister.Name() {
		names = append(names, name)
	}
	if err := lister.Err(); err != nil {
		return nil, fmt.Errorf("looking for a stream that covers %s: %w", k.Subject, err)
	}
	return names, nil
}

// Interface guard
var _ caddy.Destructor = (*Keeper)(nil)
