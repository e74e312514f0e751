// SPDX-License-Identifier: Apache-2.0

package sinks

import "fmt"

// join adds a route.
func (d *delivery) join(r *route) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(func(other *route) bool { return other.left })
	d.routes = append(d.routes, r)
	r.join(d)
	d.choose()
}

// leave takes a route away. The last one stays until the spool is closed, as what
// is in it may still be delivered.
func (d *delivery) leave(r *route) {
	d.mu.Lock()
	r.left = true
	if len(d.routes) > 1 {
		d.forget(func(other *route) bool { return other == r })
		d.choose()
	}
	d.mu.Unlock()
	_, _ = deliveries.Delete(d.directory)
}

// forget drops routes. It expects the lock to be held.
func (d *delivery) forget(which func(*route) bool) {
	kept := d.routes[:0]
	for _, r := range d.routes {
		if which(r) {
			r.end()
			continue
		}
		kept = append(kept, r)
	}
	clear(d.routes[len(kept):])
	d.routes = kept
}

// choose has events go by the way of the configuration that is in force, with the
// options that it gives the spool. That is the oldest one that has started: until it
// leaves, a reload may still fail. The route of a request that outlived its
// configuration serves only if there is no other. It expects the lock to be held.
func (d *delivery) choose() {
	if len(d.routes) == 0 {
		return
	}
	chosen := d.routes[len(d.routes)-1]
	for _, r := range d.routes {
		if r.configuration != nil {
			chosen = r
			break
		}
	}
	d.chosen = chosen
	d.meter.Store(chosen.meter)
	d.drain = chosen.drain
	d.options.MaxSize, d.options.Sync = chosen.maxSize, chosen.sync
	if running := d.running.Load(); running != nil {
		running.take(chosen)
	}
}

// started says that the configuration of a route goes live. Within one
// configuration, all sinks on a spool have to be alike.
func (d *delivery) started(r *route, configuration any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, other := range d.routes {
		if other == r || other.configuration != configuration {
			continue
		}
		if difference := r.difference(other); difference != "" {
			return fmt.Errorf("spool %s: two jetstream sinks use it that differ in %s: "+
				"make them alike, or write 'spool <dir>' with a directory for each", d.directory, difference)
		}
	}
	r.configuration = configuration
	d.choose()
	return nil
}

// batched tells whether all routes lead to one stream that allows batched publish.
func (d *delivery) batched() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	stream := ""
	for _, r := range d.routes {
		keeper := r.keeper.Load()
		if keeper == nil {
			continue // of a request that outlived its configuration
		}
		name := keeper.batched.Load()
		if name == nil || stream != "" && *name != stream {
			return false
		}
		stream = *name
	}
	return stream != ""
}
