// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
)

// Ring opens tokens with the keys of a file, which it follows.
type Ring struct{ keys.Follower[*Set] }

// NewRing returns a ring of a file, which is not read yet.
func NewRing(file string, logger *zap.Logger) *Ring {
	return &Ring{keys.Follower[*Set]{
		What: "the keys of seals", Files: []string{file}, Logger: logger,
		ReadFiles: func(bool) (*Set, error) { return ReadSet(file) },
		Size:      func(s *Set) int { return len(s.Keys) },
	}}
}

// File is the name of the file.
func (r *Ring) File() string { return r.Files[0] }

// Open opens a token. Without keys, it opens none.
func (r *Ring) Open(token string) (object []byte, source string, ok bool) {
	set := r.InForce()
	if set == nil {
		return nil, "", false
	}
	return set.Open(token, time.Now())
}

// Seal makes a token of an object, with the first key.
func (r *Ring) Seal(object []byte) (string, error) {
	if err := r.Load(); err != nil {
		return "", err
	}
	return r.InForce().Seal(object, "")
}
