// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// Events of one subject that is denied are set aside after a while, wherever they
// stand, and the others are stored in their order.
func TestDenied(t *testing.T) {
	t.Parallel()
	const wait = 200 * time.Millisecond
	for place, isShop := range map[string]func(i int) bool{
		"first":         func(i int) bool { return i == 1 },
		"in the middle": func(i int) bool { return i == 5 },
		"last":          func(i int) bool { return i == 9 },
		"first, last":   func(i int) bool { return i%8 == 1 },
		"several":       func(i int) bool { return i%3 > 0 },
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, batched bool) {
				g := startGuarded(t, shop)
				rejected := watchRejected(t, g.url("admin"))
				r := g.rig(t, batched)
				r.forwarder.strayWait = wait
				all, web, denied := mixed(9, isShop)
				r.append(all...)
				began := time.Now()
				r.start(t)
				r.awaitAcked(t, 9)
				wantStored(t, g.admin.js, web)
				wantAside(t, r, denied)
				for i, line := range r.setAsideEvents(t) {
					if line.Cause != ErrDenied.Error() || line.Time.Sub(began) < wait {
						t.Errorf("line %d has the cause %q, %s after the event", i+1, line.Cause, line.Time.Sub(began))
					}
				}
				for range denied {
					msg := <-rejected
					wantRejection(t, msg)
					if detail := msg.Header.Get("Segment-Detail"); detail != ErrDenied.Error() {
						t.Errorf("the rejected message has the detail %q", detail)
					}
				}
				if n := r.logs.FilterMessage(linesWait).Len(); n != 1 || !strings.Contains(fmt.Sprint(r.logs.FilterMessage(linesWait).All()[0].ContextMap()), ErrDenied.Error()) {
					t.Errorf("%d lines that events wait: %v", n, r.logs.All())
				}
				if n := r.lines("set aside events that no stream can store"); n != 1 {
					t.Errorf("%d lines that events were set aside", n)
				}
				r.refuseSecret(t)
			})
		})
	}
}

// Later events of a subject that was denied neither wait again nor hinder the others:
// batches go on, and one event of a window is tried for all of its subject.
func TestDeniedAgain(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		const n = 5000
		g := startGuarded(t, shop)
		r := g.rig(t, batched)
		r.patient()
		r.append(event(1), shopEvent(2))
		r.start(t)
		r.awaitAcked(t, 2)
		r.stop()
		r.forwarder.strayWait = time.Hour
		r.forwarder.batchesAgain = time.Time{} // the first window had one that failed
		wires, before := tap(t, g.url("admin")), r.route.denials.Load()
		all, web, denied := mixed(n, func(i int) bool { return i%10 == 2 })
		r.append(all[2:]...)
		r.start(t)
		r.awaitAcked(t, n)
		wantStored(t, g.admin.js, web)
		wantAside(t, r, denied)
		if batched {
			wires.want(t, int64(len(web)-1), 0)
		} else {
			wires.want(t, 0, int64(len(web)-1))
		}
		if again := r.route.denials.Load() - before; again > n/maxEvents+1 {
			t.Errorf("the server has denied %d events", again)
		}
	})
}

// A user who may not publish events at all has to be mended. Until then all wait.
func TestAllDenied(t *testing.T) {
	t.Parallel()
	for name, isShop := range map[string]func(i int) bool{
		"one subject":  func(int) bool { return true },
		"two subjects": func(i int) bool { return i%2 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, batched bool) {
				g := startGuarded(t, "events.>")
				r := g.rig(t, batched)
				all, _, _ := mixed(20, isShop)
				r.append(all...)
				r.start(t)
				tries := int64(20) // of all, and then of one of each subject
				if batched {
					tries *= 2
				}
				g.awaitDenials(t, r, tries+5)
				if why := r.forwarder.Waiting(); why != ErrDenied.Error() {
					t.Errorf("events wait because %q", why)
				}
				g.deny(t)
				r.awaitAcked(t, 20)
				wantEach(t, g.admin.js, 20)
				r.wantNothingAside(t)
				natstest.Eventually(t, "the log says that all is well", func() bool { return r.lines(linesAgain) == 1 })
				if n := r.lines(linesWait); n != 1 {
					t.Errorf("%d lines that events wait", n)
				}
			})
		})
	}
}

// The same for a user who could publish a moment ago.
func TestAllDeniedLater(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		g := startGuarded(t)
		r := g.rig(t, batched)
		r.append(event(1), shopEvent(2), event(3), shopEvent(4))
		r.start(t)
		r.awaitAcked(t, 4)
		g.deny(t, "events.>")
		before := r.route.denials.Load()
		r.append(event(5), shopEvent(6))
		g.awaitDenials(t, r, before+10)
		if n := r.acknowledged(); n != 4 {
			t.Errorf("%d events are acknowledged", n)
		}
		g.deny(t)
		r.awaitAcked(t, 6)
		wantEach(t, g.admin.js, 6)
		r.wantNothingAside(t)
	})
}

// A permission that is given in time has everything stored, and the order of a subject
// is kept.
func TestPermissionGiven(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		g := startGuarded(t, shop)
		r := g.rig(t, batched)
		r.forwarder.strayWait = time.Hour
		all, web, denied := mixed(30, func(i int) bool { return i%3 == 0 })
		r.append(all...)
		r.start(t)
		natstest.Eventually(t, "the others are stored", func() bool { return len(storedIn(t, g.admin.js, "EVENTS")) == len(web) })
		g.awaitDenials(t, r, int64(len(denied))+3)
		g.deny(t)
		r.awaitAcked(t, 30)
		wantStored(t, g.admin.js, append(web, denied...))
		r.wantNothingAside(t)
	})
}

// That a subject was denied is not held against it once the permission is given.
func TestPermissionGivenLater(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		g := startGuarded(t, shop)
		r := g.rig(t, batched)
		r.append(event(1), shopEvent(2))
		r.start(t)
		r.awaitAcked(t, 2)
		r.stop()
		r.forwarder.batchesAgain = time.Time{} // the first window had one that failed
		g.deny(t)
		r.append(event(3), shopEvent(4), event(5), shopEvent(6))
		r.start(t)
		r.awaitAcked(t, 6)
		want := []spool.Event{event(1), event(3), event(5), shopEvent(4), shopEvent(6)}
		if !batched {
			want = []spool.Event{event(1), event(3), shopEvent(4), event(5), shopEvent(6)}
		}
		wantStored(t, g.admin.js, want)
		wantAside(t, r, []spool.Event{shopEvent(2)})
		r.stop()
		if len(r.forwarder.strays) != 0 {
			t.Error("the subject is remembered still")
		}
	})
}

// While an event waits for its permission, those that come later are stored.
func TestDeniedDoesNotBlock(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		g := startGuarded(t, shop)
		r := g.rig(t, batched)
		r.forwarder.strayWait = time.Hour
		r.append(shopEvent(1))
		r.start(t)
		g.awaitDenials(t, r, 3)
		r.append(event(2), shopEvent(3), event(4))
		natstest.Eventually(t, "the others are stored", func() bool { return len(storedIn(t, g.admin.js, "EVENTS")) == 2 })
		if n := r.acknowledged(); n != 0 {
			t.Errorf("%d events are acknowledged", n)
		}
		r.wantNothingAside(t)
		g.deny(t)
		r.awaitAcked(t, 4)
		wantStored(t, g.admin.js, []spool.Event{event(2), event(4), shopEvent(1), shopEvent(3)})
	})
}

// The first event of a run is denied. Nothing shows that others are stored, until one
// comes.
func TestDeniedAlone(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, batched bool) {
		g := startGuarded(t, shop)
		r := g.rig(t, batched)
		r.append(shopEvent(1))
		r.start(t)
		g.awaitDenials(t, r, 3)
		r.wantNothingAside(t)
		r.append(event(2))
		r.awaitAcked(t, 2)
		wantStored(t, g.admin.js, []spool.Event{event(2)})
		wantAside(t, r, []spool.Event{shopEvent(1)})
	})
}

// The events that are held in memory while all are denied are bounded.
func TestDeniedBounds(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, "events.>")
	r := g.rig(t, false)
	r.append(event(1))
	r.start(t)
	g.awaitDenials(t, r, 2)
	r.append(events(2 * maxAhead)[1:]...)
	natstest.Eventually(t, "the window is full", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.handed >= maxAhead
	})
	g.awaitDenials(t, r, r.route.denials.Load()+3)
	r.mu.Lock()
	handed := r.handed
	r.mu.Unlock()
	if handed != maxAhead {
		t.Errorf("%d events are in memory", handed)
	}
	g.deny(t)
	r.awaitAcked(t, 2*maxAhead)
	wantEach(t, g.admin.js, 2*maxAhead)
}

// A batch whose last message is denied has an end all the same, and what it has stored
// is not sent again: without a message id it would be doubled.
func TestDeniedEndOfBatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		isShop func(i int) bool
		ends   int64 // messages that end a batch in the place of a denied one
	}{
		"last":         {func(i int) bool { return i == 700 }, 1},
		"several last": {func(i int) bool { return i > 690 }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuarded(t, shop)
			wires := tap(t, g.url("admin"))
			r := g.rig(t, true)
			r.patient()
			r.forwarder.strayWait = time.Hour
			all, web, denied := mixed(700, test.isShop)
			for i := range all {
				all[i].MessageID = ""
			}
			r.append(all...)
			r.start(t)
			r.awaitAcked(t, len(web))
			g.awaitDenials(t, r, int64(len(denied))+1)
			wires.want(t, int64(len(web))+test.ends, 0)
			if n := len(storedIn(t, g.admin.js, "EVENTS")); n != len(web) {
				t.Errorf("%d events are stored, want %d", n, len(web))
			}
			r.wantNothingAside(t)
		})
	}
}

func TestStoresOthers(t *testing.T) {
	t.Parallel()
	session := &Session{Denials: new(Denials)}
	f := new(Forwarder)
	now := time.Now()
	note := func(subject string, ago time.Duration) {
		f.noteStored(&spool.Event{Subject: subject}, now.Add(-ago))
	}
	want := func(subject string, want bool) {
		t.Helper()
		if got := f.storesOthers(session, subject); got != want {
			t.Errorf("for %s: got %t, with %+v", subject, got, f.lastStored)
		}
	}
	want("a", false)
	note("a", 5*time.Minute)
	want("a", false)
	want("b", true)
	note("b", 4*time.Minute)
	note("b", 3*time.Minute)
	want("a", true)
	want("b", true)
	note("a", 2*time.Minute)
	note("c", time.Minute)
	want("a", true)
	want("c", true)
	session.Denials.Note(violation(`Permissions Violation for Publish to "c"`))
	want("a", false)
	want("b", true)
	want("c", true)
	session.Denials.Note(violation(`Permissions Violation for Publish to "a"`))
	want("b", false)
	session.Denials = new(Denials) // as after a reconnect
	want("b", true)
	f.lastStored = [2]lastStored{}
	note("a", strayKnown+time.Minute)
	want("b", false)
}
