// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

func violation(text string) error { return fmt.Errorf("%w: %s", nats.ErrPermissionViolation, text) }

func TestDeniedSubject(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string // empty: none
	}{
		{violation(`Permissions Violation for Publish to "segment.events.web.track"`), "segment.events.web.track"},
		{violation(`Permissions Violation for Publish to "a\"b\\c\x00é"`), "a\"b\\c\x00é"},
		{fmt.Errorf("wrapped: %w", violation(`Permissions Violation for Publish to "a"`)), "a"},
		{violation(`Permissions Violation for Publish with Reply of "_R_.a"`), ""},
		{violation(`Permissions Violation for Subscription to "a"`), ""},
		{violation(`Permissions Violation for Subscription to "a" using queue "q"`), ""},
		{violation(`Permissions Violation for Publish to a`), ""},
		{violation(`Permissions Violation for Publish to "a`), ""},
		{violation(`Permissions Violation for Publish to `), ""},
		{nats.ErrPermissionViolation, ""},
		{errors.New(`Permissions Violation for Publish to "a"`), ""},
		{nats.ErrMaxPayload, ""},
		{nil, ""},
	} {
		if got, ok := deniedSubject(test.err); got != test.want || ok != (test.want != "") {
			t.Errorf("%v: got %q, %t, want %q", test.err, got, ok, test.want)
		}
	}
}

func TestDenials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d Denials
		deny := func(subject string) {
			d.Note(violation(fmt.Sprintf("Permissions Violation for Publish to %q", subject)))
		}
		began := time.Now()
		next := d.Next()
		if d.Since("a", began) {
			t.Error("a subject is denied before anything was")
		}
		d.Note(nats.ErrSlowConsumer)
		select {
		case <-next:
			t.Error("another error counts as a denial")
		default:
		}
		time.Sleep(time.Second) // of the bubble's clock: it takes no time
		deny("a")
		<-next
		if !d.Since("a", began) || !d.Since("a", time.Now()) || d.Since("a", time.Now().Add(1)) || d.Since("b", began) {
			t.Error("a denial counts for another subject or time")
		}
		next = d.Next()
		time.Sleep(time.Second) // of the bubble's clock: it takes no time
		deny("a")
		<-next
		if !d.Since("a", time.Now()) {
			t.Error("a second denial is not noted")
		}
		for i := range 3 * maxDenials {
			deny(fmt.Sprint(i))
			if n := len(d.last); n > maxDenials {
				t.Fatalf("%d subjects are remembered", n)
			}
			if !d.Since(fmt.Sprint(i), time.Now()) {
				t.Fatalf("denial %d is not noted", i)
			}
		}
	})
}
