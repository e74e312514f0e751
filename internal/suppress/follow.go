// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

const (
	// askTimeout bounds one question to JetStream.
	askTimeout = 5 * time.Second
	// lookInterval is how often it is checked that the watch has not missed anything.
	lookInterval = 5 * time.Second
	// flushDelay is how long changes gather that are written to disk together.
	flushDelay = 50 * time.Millisecond

	// quiet is how long NATS may be away until that is said: at the start, it is on its way.
	quiet = time.Second

	retryMin = 250 * time.Millisecond
	retryMax = 10 * time.Second
)

// connected is called when NATS is there, or there again.
func (l *List) connected(*nats.Conn) {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// follow reads the bucket and then its changes, again whenever that ends.
func (l *List) follow(ctx context.Context) {
	delay := retryMin
	for reading := uint32(1); ctx.Err() == nil; reading++ {
		session := l.conn.Session.Load()
		if session == nil {
			l.awaitNATS(ctx)
			continue
		}
		began := time.Now()
		err := l.read(ctx, session, reading)
		if ctx.Err() != nil {
			return
		}
		l.lost(err)
		if time.Since(began) > retryMax {
			delay = retryMin
		}
		select {
		case <-time.After(delay):
		case <-l.wake:
		case <-ctx.Done():
		}
		delay = min(2*delay, retryMax)
	}
}

// awaitNATS waits until NATS is there, and says that it is not when that lasts.
func (l *List) awaitNATS(ctx context.Context) {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	select {
	case <-l.wake:
		return
	case <-ctx.Done():
		return
	case <-timer.C:
	}
	l.lost(errAway)
	select {
	case <-l.wake:
	case <-ctx.Done():
	}
}

var errAway = errors.New("NATS is not there")

// read returns when the bucket cannot be followed any more.
func (l *List) read(ctx context.Context, session *forward.Session, reading uint32) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kv, state, err := find(ctx, session.JetStream, l.bucket)
	if err != nil {
		return err
	}
	watcher, err := kv.WatchAll(ctx, jetstream.MetaOnly())
	if err != nil {
		return fmt.Errorf("watching the bucket: %w", explain(err, l.bucket))
	}
	defer func() { _ = watcher.Stop() }()
	l.strange.Store(0)
	w := &watch{list: l, reading: reading, kv: kv, created: state.created, seen: state.last}
	defer w.writeRest()
	looks := time.NewTicker(lookInterval)
	defer looks.Stop()
	for {
		select {
		case entry, ok := <-watcher.Updates():
			if !ok {
				return errors.New("the watch on the bucket has ended")
			}
			w.take(entry)
		case <-w.flush:
			w.write()
		case <-looks.C:
			if err := w.look(ctx); err != nil {
				return err
			}
		case <-session.Lost:
			return errAway
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// bucketState is what tells whether a watch has missed anything.
type bucketState struct {
	created time.Time
	last    uint64 // the sequence of its last change
}

// find finds a bucket, or says why it cannot.
func find(ctx context.Context, js jetstream.JetStream, bucket string) (jetstream.KeyValue, bucketState, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	kv, err := js.KeyValue(ctx, bucket)
	if err != nil {
		return nil, bucketState{}, explain(err, bucket)
	}
	state, err := stateOf(ctx, kv)
	return kv, state, err
}

func stateOf(ctx context.Context, kv jetstream.KeyValue) (bucketState, error) {
	status, err := kv.Status(ctx)
	if err != nil {
		return bucketState{}, explain(err, kv.Bucket())
	}
	described, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return bucketState{}, errors.New("the bucket is of a kind that nobody knows")
	}
	info := described.StreamInfo()
	return bucketState{info.Created, info.State.LastSeq}, nil
}

// explain says what is wrong with the bucket, and what to do.
func explain(err error, bucket string) error {
	switch {
	case errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("the bucket does not exist: make it with nats kv add %s", bucket)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrPermissionViolation):
		return fmt.Errorf("no permission, or no answer: allow the user to publish to $JS.API.STREAM.INFO.KV_%s and $JS.API.CONSUMER.*.KV_%s.>, and to subscribe to its inbox (%w)", bucket, bucket, err)
	}
	return err
}

// watch is one reading of the bucket, from its beginning on.
type watch struct {
	list    *List
	reading uint32
	kv      jetstream.KeyValue
	created time.Time
	whole   bool             // it has come to the end once, and follows changes
	seen    uint64           // the sequence of the last change that is known
	behind  uint64           // what seen was when a change was missing at the last look
	flush   <-chan time.Time // when what has gathered is written; nil if nothing has
}

// take applies one change. The nil entry means that all that was there has been read.
func (w *watch) take(entry jetstream.KeyValueEntry) {
	l := w.list
	if entry == nil {
		w.complete()
		return
	}
	w.seen = max(w.seen, entry.Revision())
	p, ok := parseKey(entry.Key())
	switch {
	case !ok:
		if entry.Operation() == jetstream.KeyValuePut {
			l.strange.Add(1)
		}
		return
	case entry.Operation() == jetstream.KeyValuePut:
		if l.set.put(p, w.reading) {
			l.disk.note(opAdd, p)
		}
	default:
		if l.set.drop(p) {
			l.disk.note(opDrop, p)
		}
	}
	if w.whole && w.flush == nil {
		w.flush = time.After(flushDelay)
	}
}

// complete lets go of whoever was taken off the list while nobody looked.
func (w *watch) complete() {
	l := w.list
	for _, p := range l.set.notSeenIn(w.reading) {
		if l.set.drop(p) {
			l.disk.note(opDrop, p)
		}
	}
	w.whole = true
	l.once.Do(func() { close(l.known) })
	w.write()
	l.found()
}

func (w *watch) write() {
	w.flush = nil
	l := w.list
	err := l.disk.flush(&l.set)
	if err == nil {
		l.disk.touch(time.Now())
	}
	l.noteDisk(err)
}

// writeRest writes what has gathered, when the watch ends.
func (w *watch) writeRest() {
	if w.flush != nil {
		w.write()
	}
}

// look finds out whether the bucket is another one than it was, or a change has not come.
func (w *watch) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	state, err := stateOf(ctx, w.kv)
	switch {
	case err != nil:
		return err
	case !state.created.Equal(w.created):
		return errors.New("the bucket was deleted and made again")
	case !w.whole || state.last <= w.seen:
		w.behind = 0
		if w.whole {
			w.list.found()
			w.write()
		}
		return nil
	case w.behind == w.seen:
		return errors.New("a change of the bucket has not come")
	}
	w.behind = w.seen
	return nil
}

// found notes that the list is that of the bucket at this time.
func (l *List) found() {
	l.mu.Lock()
	was, trouble := l.current, l.trouble
	l.current, l.trouble, l.asOf = true, "", time.Now()
	l.mu.Unlock()
	if was {
		return
	}
	if strange := l.strange.Load(); strange > 0 {
		l.log().Warn(strangeKeys(strange))
	}
	l.log().Info("follows the list of those who have withdrawn consent",
		zap.Int("people", l.set.count()), zap.String("after", trouble))
}

// lost notes why it is not, once for each reason.
func (l *List) lost(err error) {
	if err == nil {
		return
	}
	text := err.Error()
	l.mu.Lock()
	known := !l.current && l.trouble == text
	l.current, l.trouble = false, text
	l.mu.Unlock()
	if known {
		return
	}
	if l.Known() {
		l.log().Warn("cannot follow the list of those who have withdrawn consent: it stays as it was", zap.Error(err))
		return
	}
	l.log().Error("the list of those who have withdrawn consent was never read: events are answered and dropped until it is", zap.Error(err))
}

func (l *List) noteDisk(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	l.mu.Lock()
	was := l.diskFail
	l.diskFail = text
	l.mu.Unlock()
	if err != nil && was != text {
		l.log().Error("the list cannot be kept on this disk: a start without NATS would not know it", zap.String("file", l.disk.name), zap.Error(err))
	}
}

func strangeKeys(n int64) string {
	return fmt.Sprintf("%d keys of the bucket name nobody: write user., anon. or email. and a SHA-256 in lower-case hexadecimal, "+
		"as caddy segment-pixel suppress add does", n)
}
