// SPDX-License-Identifier: Apache-2.0

package handlers

import (
	"slices"
	"sync"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// Configuration is a configuration whose apps have been started.
type Configuration struct {
	// Since is when.
	Since time.Time
	// Handlers are its handlers, in the order of the configuration.
	Handlers []Handler
	// MaxBacklogAge is how long the oldest event may wait in a spool until the
	// server is not ready.
	MaxBacklogAge time.Duration
	// Recent and Payloads say how many requests are kept, and what is shown of them.
	Recent   int
	Payloads string
	// BuilderSeals tells whether the live page may seal pixels.
	BuilderSeals bool
}

// runningConfigurations are those that have been started, oldest first. During a
// reload there are two.
type configurations struct {
	mu   sync.Mutex
	list []*Configuration
}

// Running is how what belongs to the process finds the configuration in force.
// Caddy provisions admin routes before there is any app that they could ask for.
var Running configurations

func (r *configurations) Add(c *Configuration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, c)
	r.apply()
}

// Remove may be called for a configuration that is not there.
func (r *configurations) Remove(c *Configuration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = slices.DeleteFunc(r.list, func(other *Configuration) bool { return other == c })
	r.apply()
}

// InForce is the oldest configuration: until it stops, a reload may still fail. It is
// nil if none runs.
func (r *configurations) InForce() *Configuration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 {
		return nil
	}
	return r.list[0]
}

// apply has the records kept as the configuration in force wants it. Without one they
// stay as they are. It expects the lock to be held.
func (r *configurations) apply() {
	if len(r.list) > 0 {
		watch.Recent.Configure(r.list[0].Recent, r.list[0].Payloads)
	}
}
