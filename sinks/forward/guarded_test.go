// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// guarded is a server that lets its user publish to some subjects only.
type guarded struct {
	*server.Server
	options *server.Options
	admin   *testRoute // who may do everything
}

// startGuarded starts a server that denies the subjects, with a stream for all events.
func startGuarded(t *testing.T, denied ...string) *guarded {
	t.Helper()
	g := new(guarded)
	g.Server = natstest.Start(t, func(o *server.Options) {
		g.options = o
		o.Users = usersDenied(denied)
	})
	g.admin = newRoute(t, g.url("admin"))
	createStream(t, g.admin.js, nil)
	return g
}

func usersDenied(subjects []string) []*server.User {
	return []*server.User{
		{Username: "admin", Password: "secret"},
		{Username: "pixel", Password: "secret", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: append([]string{"denied.always"}, subjects...)},
		}},
	}
}

func (g *guarded) url(user string) string {
	return "nats://" + user + ":secret@" + g.Addr().String()
}

// deny changes the permissions while the server runs.
func (g *guarded) deny(t *testing.T, subjects ...string) {
	t.Helper()
	options := g.options.Clone()
	options.Users = usersDenied(subjects)
	if err := g.ReloadOptions(options); err != nil {
		t.Fatal(err)
	}
}

// rig makes a forwarder for the user. It tells of trouble at once.
func (g *guarded) rig(t *testing.T, batched bool) *rig {
	t.Helper()
	r := newRig(t, g.url("pixel"))
	r.route.batched.Store(batched)
	r.forwarder.health.quiet = 0
	return r
}

// awaitDenials waits until the server has denied so many messages.
func (g *guarded) awaitDenials(t *testing.T, r *rig, n int64) {
	t.Helper()
	natstest.Eventually(t, fmt.Sprintf("%d denials", n), func() bool { return r.route.denials.Load() >= n })
}

const shop = "events.shop.track" // what is denied

// shopEvent is the i-th event, with that subject.
func shopEvent(i int) spool.Event {
	e := event(i)
	e.Subject = shop
	return e
}

// mixed returns events of which those for which it is so have the denied subject: all,
// and the two sorts apart.
func mixed(n int, isShop func(i int) bool) (all, web, denied []spool.Event) {
	for i := 1; i <= n; i++ {
		if isShop(i) {
			all, denied = append(all, shopEvent(i)), append(denied, shopEvent(i))
		} else {
			all, web = append(all, event(i)), append(web, event(i))
		}
	}
	return all, web, denied
}
