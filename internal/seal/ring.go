// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
)

// Ring opens tokens with the keys of a file, which it follows.
type Ring struct {
	file    string
	logger  *zap.Logger
	set     atomic.Pointer[Set]
	trouble atomic.Pointer[string] // why the file could not be read again; nil if it was

	mu     sync.Mutex
	cancel chan struct{}
}

// NewRing returns a ring of a file, which is not read yet.
func NewRing(file string, logger *zap.Logger) *Ring { return &Ring{file: file, logger: logger} }

// Start reads the file and follows it from then on.
func (r *Ring) Start() error {
	if err := r.Load(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel == nil {
		r.cancel = make(chan struct{})
		go keys.Follow(r.cancel, r.file, r.again)
	}
	return nil
}

// Load reads the file once.
func (r *Ring) Load() error {
	set, err := ReadSet(r.file)
	if err == nil {
		r.set.Store(set)
	}
	return err
}

// File is the name of the file.
func (r *Ring) File() string { return r.file }

// Stop ends following. The keys stay, for requests that are still under way.
func (r *Ring) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		close(r.cancel)
		r.cancel = nil
	}
}

func (r *Ring) again() (take func(), failed bool) {
	set, err := ReadSet(r.file)
	return func() { r.take(set, err) }, err != nil
}

// take puts keys into force. Where they could not be read, the old ones stay.
func (r *Ring) take(set *Set, err error) {
	if err == nil {
		r.trouble.Store(nil)
		r.set.Store(set)
		r.logger.Info("read the keys of seals again", zap.Int("keys", len(set.Keys)))
		return
	}
	text := err.Error()
	if known := r.trouble.Swap(&text); known == nil || *known != text {
		r.logger.Error("the keys of seals changed, but could not be read: the old ones stay in force", zap.Error(err))
	}
}

// Open opens a token. Before the file was read, it opens none.
func (r *Ring) Open(token string) (object []byte, source string, ok bool) {
	set := r.set.Load()
	if set == nil {
		return nil, "", false
	}
	return set.Open(token, time.Now())
}

// Seal makes a token of an object, with the first key.
func (r *Ring) Seal(object []byte) (string, error) {
	set := r.set.Load()
	if set == nil {
		return "", errors.New("the keys of seals were not read yet")
	}
	return set.Seal(object, "")
}

// Problem says why the file could not be read again; empty if it was.
func (r *Ring) Problem() string {
	if trouble := r.trouble.Load(); trouble != nil {
		return "the keys of seals changed, but could not be read, so the old ones are in force: " + *trouble
	}
	return ""
}
