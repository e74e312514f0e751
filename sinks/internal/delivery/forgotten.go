// SPDX-License-Identifier: Apache-2.0

package delivery

import (
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
		ReportForgotten(DefaultParent())
	})
}

// ReportForgotten says of each forgotten spool below a directory once how many events
// wait in it.
func ReportForgotten(parent string) {
	forgotten.Lock()
	defer forgotten.Unlock()
	entries, err := os.ReadDir(parent)
	if err != nil {
		return // There is no spool in the default place.
	}
	for _, entry := range entries {
		dir := filepath.Join(parent, entry.Name())
		if _, known := forgotten.reported[dir]; known || !entry.IsDir() || isLive(dir) {
			continue
		}
		events, err := spool.Waiting(dir)
		if err != nil || events == 0 {
			continue // It is in use, by another Caddy for one, or empty, or no spool.
		}
		if forgotten.reported == nil {
			forgotten.reported = make(map[string]struct{})
		}
		forgotten.reported[dir] = struct{}{}
		Logger().Warn("events wait in a spool that no sink uses: "+
			"to deliver them, write 'spool <dir>' with this directory into a jetstream sink for the NATS that they belong to",
			zap.String("dir", dir), zap.Uint64("events", events))
	}
}

func isLive(dir string) bool {
	live.Lock()
	defer live.Unlock()
	return live.deliveries[dir] != nil
}
