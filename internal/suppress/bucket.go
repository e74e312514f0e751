// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
)

// Bucket is a bucket that is changed, rather than followed.
type Bucket struct {
	kv    jetstream.KeyValue
	probe *natsconn.Probe
}

// Reach connects to a bucket with a connection of its own. To be closed.
func Reach(ctx context.Context, c natsconn.Connection, domain, bucket string) (*Bucket, error) {
	probe, err := natsconn.Connect(ctx, c, domain)
	if err != nil {
		return nil, err
	}
	kv, _, err := find(ctx, probe.Js, bucket)
	if err != nil {
		probe.Close()
		return nil, errors.New(probe.Scrub(err))
	}
	return &Bucket{kv, probe}, nil
}

// Close ends the connection.
func (b *Bucket) Close() { b.probe.Close() }

// Value is what Add puts behind a key.
type Value struct {
	// Since is when the person has withdrawn consent.
	Since time.Time `json:"since"`
}

// Add puts a key onto the list, and tells whether it was not there.
func (b *Bucket) Add(ctx context.Context, key string, since time.Time) (added bool, err error) {
	value, err := json.Marshal(Value{since.UTC().Truncate(time.Second)})
	if err != nil {
		return false, err
	}
	_, err = b.kv.Create(ctx, key, value)
	if errors.Is(err, jetstream.ErrKeyExists) {
		return false, nil
	}
	return err == nil, err
}

// Remove takes a key off the list, and tells whether it was there.
func (b *Bucket) Remove(ctx context.Context, key string) (removed bool, err error) {
	if _, found, err := b.Since(ctx, key); err != nil || !found {
		return false, err
	}
	err = b.kv.Delete(ctx, key)
	return err == nil, err
}

// Since tells whether a key is on the list, and since when, as far as its value says.
func (b *Bucket) Since(ctx context.Context, key string) (since time.Time, found bool, err error) {
	entry, err := b.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return time.Time{}, false, nil
	} else if err != nil {
		return time.Time{}, false, err
	}
	return sinceOf(entry), true, nil
}

// sinceOf falls back to when the entry was made.
func sinceOf(entry jetstream.KeyValueEntry) time.Time {
	var value Value
	if json.Unmarshal(entry.Value(), &value) != nil || value.Since.IsZero() {
		return entry.Created().UTC()
	}
	return value.Since
}

// List visits all keys, and tells which of them name somebody.
func (b *Bucket) List(ctx context.Context, visit func(key string, since time.Time, good bool) error) error {
	watcher, err := b.kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return err
	}
	defer func() { _ = watcher.Stop() }()
	for {
		select {
		case entry := <-watcher.Updates():
			if entry == nil {
				return nil
			}
			_, good := parseKey(entry.Key())
			if err := visit(entry.Key(), sinceOf(entry), good); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// writers is how many keys AddAll writes at a time.
const writers = 64

// AddAll adds keys until there are no more, and tells how many were new. It stops at the
// first error.
func (b *Bucket) AddAll(ctx context.Context, keys <-chan string, since time.Time) (added, known int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var fresh, old atomic.Int64
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for key := range keys {
				if ctx.Err() != nil {
					continue // Whoever sends the keys must not be left waiting.
				}
				added, err := b.Add(ctx, key, since)
				switch {
				case err != nil:
					cancel(err)
				case added:
					fresh.Add(1)
				default:
					old.Add(1)
				}
			}
		})
	}
	all.Wait()
	return fresh.Load(), old.Load(), context.Cause(ctx)
}
