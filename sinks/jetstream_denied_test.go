// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
)

// TestJetStreamDenied has a user who may not publish to one of the subjects. The others
// are delivered, the status says why its events wait, and they are delivered when the
// permission is given.
func TestJetStreamDenied(t *testing.T) {
	natstest.CheckLeaks(t)
	users := func(denied ...string) []*server.User {
		return []*server.User{{Username: "admin", Password: "s3cret"}, {
			Username: "pixel", Password: "s3cret",
			Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: append(denied, "denied.always")}},
		}}
	}
	var options *server.Options
	nats := natstest.StartPlain(t, func(o *server.Options) {
		o.JetStream, o.NoAuthUser, o.Users = true, "admin", users("segment.events.shop.*")
		options = o
	})
	client := natstest.NewTestClient(t, nats)
	client.Create(t, natstest.EventStream())
	s := startSpooled(t, nats.ClientURL(), spooled(t.TempDir(), func(s *JetStream) { s.User, s.Password = "pixel", "s3cret" }), nil)
	shop := newEvent("shop")
	shop.Source = "shop"
	publish(t, s, shop)
	publish(t, s, newEvent("web"))
	wantStored(t, client, 1)
	status := s.Status()
	if status.Spool.Events != 2 || status.Spool.Waiting != forward.ErrDenied.Error() {
		t.Errorf("the status of the spool is %+v", status.Spool)
	}
	if problems := strings.Join(status.Problems, "\n"); !strings.Contains(problems, "2 events wait in the spool: NATS does not allow this user") {
		t.Errorf("the status names %q", problems)
	}

	options = options.Clone()
	options.Users = users()
	if err := nats.ReloadOptions(options); err != nil {
		t.Fatal(err)
	}
	wantStored(t, client, 2)
	natstest.Eventually(t, "the condition holds", func() bool { return s.Status().Spool.Events == 0 && s.Status().Spool.Waiting == "" })
	if counts := s.Status().Counts; counts.SetAside != 0 {
		t.Errorf("%d events were set aside", counts.SetAside)
	}
}
