// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// filePoll is how often files are looked at. Polling finds changes on any file system
// and through any kind of replacement.
const filePoll = time.Second

// Follower holds the keys that files say, and reads the files again when they have
// changed. Its keys may change while they are used.
type Follower[T any] struct {
	What   string // is read, in the plural
	Files  []string
	Logger *zap.Logger
	// ReadFiles returns the keys. Again is set when there are older ones that could stay.
	ReadFiles func(again bool) (T, error)
	Size      func(T) int // in keys

	keys    atomic.Pointer[T]
	trouble atomic.Pointer[string] // why the files could not be read again; nil if they were

	open   sync.Once
	opened error
	first  []look // of the files, from before they were read first

	mu     sync.Mutex
	cancel chan struct{}
}

// Load reads the files, once.
func (f *Follower[T]) Load() error {
	f.open.Do(func() {
		f.first = looksOf(f.Files)
		var keys T
		if keys, f.opened = f.ReadFiles(false); f.opened == nil {
			f.keys.Store(&keys)
		}
	})
	return f.opened
}

// InForce returns the keys, none if they cannot be read. A request may come before the
// app was started.
func (f *Follower[T]) InForce() (none T) {
	if f.keys.Load() == nil && f.Load() != nil {
		return none
	}
	return *f.keys.Load()
}

// Problem says why the files could not be read again; empty if they were.
func (f *Follower[T]) Problem() string {
	if trouble := f.trouble.Load(); trouble != nil {
		return fmt.Sprintf("%s changed, but could not be read, so the old ones are in force: %s", f.What, *trouble)
	}
	return ""
}

// Start reads the files and follows them from then on.
func (f *Follower[T]) Start() error {
	if err := f.Load(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cancel == nil && len(f.Files) > 0 {
		f.cancel = make(chan struct{})
		go f.follow(f.cancel, f.first)
	}
	return nil
}

// Stop ends following. The keys stay, for requests that are still under way.
func (f *Follower[T]) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cancel != nil {
		close(f.cancel)
		f.cancel = nil
	}
}

// follow waits until files have changed and then stood still for a poll: one that is
// being written may have half of what it is to have. While they cannot be read, it goes
// on trying, since a permission changes neither their times nor their sizes.
func (f *Follower[T]) follow(cancel <-chan struct{}, inForce []look) {
	ticker := time.NewTicker(filePoll)
	defer ticker.Stop()
	before, failed := inForce, false
	for {
		select {
		case <-cancel:
			return
		case <-ticker.C:
		}
		now := looksOf(f.Files)
		still := allSame(now, before)
		before = now
		if !still || allSame(now, inForce) && !failed {
			continue
		}
		keys, err := f.ReadFiles(true)
		if !allSame(now, looksOf(f.Files)) {
			continue // they have changed under the reading
		}
		inForce, failed = now, err != nil
		f.take(&keys, err)
	}
}

// take puts keys into force. Where they could not be read, the old ones stay.
func (f *Follower[T]) take(keys *T, err error) {
	if err != nil {
		text := err.Error()
		if known := f.trouble.Swap(&text); known == nil || *known != text {
			f.Logger.Error(f.What+" changed, but could not be read: the old ones stay in force", zap.Error(err))
		}
		return
	}
	f.trouble.Store(nil)
	if old := f.keys.Swap(keys); !reflect.DeepEqual(old, keys) {
		f.Logger.Info("read "+f.What+" again", zap.Int("keys", f.Size(*keys)))
	}
}
