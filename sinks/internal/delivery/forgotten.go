// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// forgottenAfter is how long after the start of a sink forgotten spools are looked
// for: a reload may take the directory into use a little later.
const forgottenAfter = 10 * time.Second

// forgotten finds spools in the default place that hold events and that no sink uses
// any more, because its servers, its login or its spool have changed.
var forgotten struct {
	sync.Mutex
	pending  bool
	reported map[string]struct{}
}

// LookForForgotten looks soon, once for all sinks that ask for it meanwhile.
func LookForForgotten() {
	forgotten.Lock()
	defer forgotten.Unlock()
	if forgotten.pending {
		return
	}
	forgotten.pending = true
	time.AfterFunc(forgottenAfter, func() {
		forgotten.Lock()
		forgotten.pending = false
		forgotten.Unlock()
		ReportForgotten()
	})
}

// ForgottenRemedy says what to do about a spool that no sink uses.
const ForgottenRemedy = "to deliver them, write 'spool <dir>' with this directory into a jetstream sink for the NATS that they belong to"

// ReportForgotten says of each forgotten spool once how many events wait in it.
func ReportForgotten() {
	forgotten.Lock()
	defer forgotten.Unlock()
	for dir, events := range Forgotten(isLive) {
		if _, known := forgotten.reported[dir]; known {
			continue
		}
		if forgotten.reported == nil {
			forgotten.reported = make(map[string]struct{})
		}
		forgotten.reported[dir] = struct{}{}
		Logger().Warn("events wait in a spool that no sink uses: "+ForgottenRemedy, zap.String("dir", dir), zap.Uint64("events", events))
	}
}

// Forgotten visits the spools in the default place that are not in use and hold events,
// with how many those are.
func Forgotten(used func(dir string) bool) iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		parent := DefaultParent()
		entries, _ := os.ReadDir(parent) // There may be none, or it is somebody else's.
		for _, entry := range entries {
			dir, err := ResolveDirectory(filepath.Join(parent, entry.Name()))
			if err != nil || !entry.IsDir() || used(dir) {
				continue
			}
			// An error means that it is in use, by another Caddy for one, or no spool.
			if events, err := spool.Waiting(dir); err == nil && events > 0 && !yield(dir, events) {
				return
			}
		}
	}
}

func isLive(dir string) bool {
	live.Lock()
	defer live.Unlock()
	return live.deliveries[dir] != nil
}
