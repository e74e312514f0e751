// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"slices"
	"sync"
)

// runningApps are the apps that have been started, oldest first. During a reload
// there are two.
type runningApps struct {
	mu   sync.Mutex
	apps []*App
}

// running is how what belongs to the process finds the configuration in force.
// Caddy provisions admin routes before there is any app that they could ask for.
var running runningApps

func (r *runningApps) add(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apps = append(r.apps, a)
	r.apply()
}

// remove may be called for an app that is not there.
func (r *runningApps) remove(a *App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apps = slices.DeleteFunc(r.apps, func(other *App) bool { return other == a })
	r.apply()
}

// inForce is the oldest app: until it stops, a reload may still fail. It is nil if
// none runs.
func (r *runningApps) inForce() *App {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.apps) == 0 {
		return nil
	}
	return r.apps[0]
}

// apply has the records kept as the configuration in force wants it. Without one they
// stay as they are. It expects the lock to be held.
func (r *runningApps) apply() {
	if len(r.apps) > 0 {
		recent.configure(r.apps[0].Recent, r.apps[0].Payloads)
	}
}
