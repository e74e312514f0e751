// SPDX-License-Identifier: Apache-2.0

package delivery

import "fmt"

// join adds a route.
func (d *Delivery) join(r *Route) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	d.forget(func(other *Route) bool { return other.left })
	d.Routes = append(d.Routes, r)
	r.join(d)
	d.choose()
}

// Leave takes a route away. The last one stays until the spool is closed, as what
// is in it may still be delivered.
func (d *Delivery) Leave(r *Route) {
	d.Mu.Lock()
	r.left = true
	if len(d.Routes) > 1 {
		d.forget(func(other *Route) bool { return other == r })
		d.choose()
	}
	d.Mu.Unlock()
	_, _ = deliveries.Delete(d.Directory)
}

// forget drops routes. It expects the lock to be held.
func (d *Delivery) forget(which func(*Route) bool) {
	kept := d.Routes[:0]
	for _, r := range d.Routes {
		if which(r) {
			r.end()
			continue
		}
		kept = append(kept, r)
	}
	clear(d.Routes[len(kept):])
	d.Routes = kept
}

// choose has events go by the way of the configuration that is in force, with the
// options that it gives the spool. That is the oldest one that has started: until it
// leaves, a reload may still fail. The route of a request that outlived its
// configuration serves only if there is no other. It expects the lock to be held.
func (d *Delivery) choose() {
	if len(d.Routes) == 0 {
		return
	}
	chosen := d.Routes[len(d.Routes)-1]
	for _, r := range d.Routes {
		if r.configuration != nil {
			chosen = r
			break
		}
	}
	d.Chosen = chosen
	d.meter.Store(chosen.Meter)
	d.drain = chosen.Drain
	d.options.MaxSize, d.options.Sync = chosen.MaxSize, chosen.Sync
	if running := d.Running.Load(); running != nil {
		running.take(chosen)
	}
}

// Started says that the configuration of a route goes live. Within one
// configuration, all sinks on a spool have to be alike.
func (d *Delivery) Started(r *Route, configuration any) error {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, other := range d.Routes {
		if other == r || other.configuration != configuration {
			continue
		}
		if difference := r.difference(other); difference != "" {
			return fmt.Errorf("spool %s: two jetstream sinks use it that differ in %s: "+
				"make them alike, or write 'spool <dir>' with a directory for each", d.Directory, difference)
		}
	}
	r.configuration = configuration
	d.choose()
	return nil
}

// Batched tells whether all routes lead to one stream that allows batched publish.
func (d *Delivery) Batched() bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	stream := ""
	for _, r := range d.Routes {
		keeper := r.Keeper.Load()
		if keeper == nil {
			continue // of a request that outlived its configuration
		}
		name := keeper.Batched.Load()
		if name == nil || stream != "" && *name != stream {
			return false
		}
		stream = *name
	}
	return stream != ""
}
