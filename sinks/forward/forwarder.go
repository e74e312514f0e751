// SPDX-License-Identifier: Apache-2.0

// Package forward carries the events of a spool to NATS JetStream.
//
// An event stays in the spool until a stream has acknowledged it, or until it has
// been set aside because no stream can ever store it, or none can under its subject.
// Events are published in the order of the spool; only those that had to be sent
// again, or whose subject was refused lately, may come behind later ones. An event may
// be sent twice, and its message id then keeps the stream from storing it twice,
// within the stream's duplicate window.
package forward

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

const (
	// maxEvents and maxBytes bound what is under way to NATS, and thereby what is
	// held in memory while NATS does not answer.
	maxEvents = 1000
	maxBytes  = 4 << 20

	// burst is how often events are published at most: several at once cost less
	// than each by itself. The first one after a pause goes at once.
	burst = 5 * time.Millisecond

	// Batches that fail are left alone for a while, and each time for longer.
	firstBatchPause = time.Second
	lastBatchPause  = time.Minute

	// readRetry is the pause after the spool could not be read.
	readRetry = time.Second
)

// Source is where events come from; it is a spool.
type Source interface {
	// Next appends the next events to the slice; it waits for the first of them.
	Next(ctx context.Context, entries []spool.Entry, limit, maxBytes int) ([]spool.Entry, error)
	// Acknowledge says that all events up to a sequence need not be kept.
	Acknowledge(sequence uint64)
	// InDoubt returns the sequence up to which events may have been sent by an
	// earlier run.
	InDoubt() uint64
}

// Forwarder publishes the events of one source. Run does the work; the other
// methods may be called at any time.
type Forwarder struct {
	source Source
	health health
	aside  aside
	logger func() *zap.Logger

	route atomic.Pointer[Route]
	wake  chan struct{}

	// What follows belongs to the goroutine of Run.
	batches      batcher
	batchesAgain time.Time // when batches may be tried again
	batchPause   time.Duration
	inDoubt      uint64
	strays       strays
	lastStored   [2]lastStored // of two subjects, the later one first
	// strayWait and ackWait are fields for tests.
	strayWait time.Duration
	ackWait   time.Duration // of a first try
}

// New returns a forwarder that keeps what it sets aside in a file in the directory.
// The logger is looked up for each line, as a forwarder outlives configurations. What
// is to be told of changes may be nil; it must not wait.
func New(source Source, directory string, logger func() *zap.Logger, changed func(Change)) *Forwarder {
	return &Forwarder{
		source:  source,
		health:  health{directory: directory, logger: logger, changed: changed, quiet: quiet},
		aside:   newAside(directory),
		logger:  logger,
		wake:    make(chan struct{}, 1),
		inDoubt: source.InDoubt(),

		batches:   batcher{ackWait: batchAckWait},
		strays:    make(strays),
		strayWait: strayWait,
		ackWait:   FirstAckWait,
	}
}

// SetRoute has events go by another route from now on. Nil stops them.
func (f *Forwarder) SetRoute(route Route) {
	f.route.Store(&route)
	f.Wake()
}

// Wake tells the forwarder that its route may have a session.
func (f *Forwarder) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Waiting says why events wait in the spool, or nothing while they are delivered.
func (f *Forwarder) Waiting() string {
	if cause := f.health.waiting.Load(); cause != nil {
		return *cause
	}
	return ""
}

// Run forwards until the context ends or the source is closed.
func (f *Forwarder) Run(ctx context.Context) {
	defer f.batches.close()
	defer func() { f.aside.report(f.logger(), true) }()
	var entries []spool.Entry
	for {
		var err error
		clear(entries)
		entries, err = f.source.Next(ctx, entries[:0], maxEvents, maxBytes)
		if ctx.Err() != nil || errors.Is(err, spool.ErrClosed) {
			return
		}
		if err != nil {
			f.health.fails(err)
			f.pause(ctx, readRetry)
			continue
		}
		began := time.Now()
		f.deliver(ctx, entries)
		if len(entries) < maxEvents {
			f.pause(ctx, burst-time.Since(began))
		}
	}
}

// deliver returns when all entries are stored or set aside, or the context has
// ended.
func (f *Forwarder) deliver(ctx context.Context, entries []spool.Entry) {
	w := f.window(entries)
	if route, session := f.batchSession(w); session != nil {
		f.publishBatch(ctx, route, session, w)
	}
	if w.left > 0 {
		f.publishSingly(ctx, w)
	}
	f.aside.keepReserve()
}

// batchSession returns the route and the session on which events of the window can be
// published as a batch. The session is nil if they cannot.
func (f *Forwarder) batchSession(w *window) (Route, *Session) {
	// Those that may have been sent by an earlier run come first.
	if w.sent[0] || time.Now().Before(f.batchesAgain) {
		return nil, nil
	}
	route := f.currentRoute()
	if route == nil || !route.Batched() {
		return nil, nil
	}
	return route, route.Session()
}

// publishBatch publishes as a batch what is likely to be stored.
func (f *Forwarder) publishBatch(ctx context.Context, route Route, session *Session, w *window) {
	entries, places := w.free()
	n := fitting(entries, session.MaxPayload)
	if n == 0 {
		return
	}
	sent, stored, err := f.batches.publish(ctx, session, entries[:n], route)
	for _, i := range places[:sent] {
		w.sent[i] = true
	}
	now := time.Now()
	for _, i := range places[:stored] {
		w.settle(i)
		f.noteStored(&w.entries[i].Event, now)
	}
	f.acknowledgeSettled(w)
	f.noteBatch(err)
}

// noteBatch has later batches wait after one that failed.
func (f *Forwarder) noteBatch(err error) {
	if err == nil {
		f.batchPause = 0
		f.health.works()
		return
	}
	f.batchPause = min(max(2*f.batchPause, firstBatchPause), lastBatchPause)
	f.batchesAgain = time.Now().Add(f.batchPause)
	f.logger().Debug("a batch was not stored as a whole, publishing its events singly", zap.Error(Explain(err)))
}

func (f *Forwarder) currentRoute() Route {
	if route := f.route.Load(); route != nil {
		return *route
	}
	return nil
}

// awaitSession returns nil when the context ends first.
func (f *Forwarder) awaitSession(ctx context.Context) (Route, *Session) {
	for ctx.Err() == nil {
		if route := f.currentRoute(); route != nil {
			if session := route.Session(); session != nil {
				return route, session
			}
		}
		f.health.fails(ErrNotConnected)
		select {
		case <-f.wake:
		case <-time.After(f.health.quiet): // to be said when it lasts
		case <-ctx.Done():
		}
	}
	return nil, nil
}

func (f *Forwarder) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
