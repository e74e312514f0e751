// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"slices"
	"sync"
	"time"
)

// runningConfiguration is a configuration whose apps have been started.
type runningConfiguration struct {
	// Since is when.
	Since time.Time
	// Handlers are its handlers, in the order of the configuration.
	Handlers []handlerView
	// MaxBacklogAge is how long the oldest event may wait in a spool until the
	// server is not ready.
	MaxBacklogAge time.Duration
	// Recent and Payloads say how many requests are kept, and what is shown of them.
	Recent   int
	Payloads string
}

// runningConfigurations are those that have been started, oldest first. During a
// reload there are two.
type runningConfigurations struct {
	mu   sync.Mutex
	list []*runningConfiguration
}

// running is how what belongs to the process finds the configuration in force.
// Caddy provisions admin routes before there is any app that they could ask for.
var running runningConfigurations

func (r *runningConfigurations) add(c *runningConfiguration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, c)
	r.apply()
}

// remove may be called for a configuration that is not there.
func (r *runningConfigurations) remove(c *runningConfiguration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = slices.DeleteFunc(r.list, func(other *runningConfiguration) bool { return other == c })
	r.apply()
}

// inForce is the oldest configuration: until it stops, a reload may still fail. It is
// nil if none runs.
func (r *runningConfigurations) inForce() *runningConfiguration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 {
		return nil
	}
	return r.list[0]
}

// apply has the records kept as the configuration in force wants it. Without one they
// stay as they are. It expects the lock to be held.
func (r *runningConfigurations) apply() {
	if len(r.list) > 0 {
		recent.configure(r.list[0].Recent, r.list[0].Payloads)
	}
}
