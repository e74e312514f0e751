// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

const testTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// newEvent returns a track event of the source web. It was not made by a Decoder,
// so its memory is the test's own.
func newEvent(messageID string) *pixel.Event {
	return &pixel.Event{
		Type: pixel.Track, Source: "web", Name: "Opened", MessageID: messageID,
		Received: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Body:     []byte(`{"messageId":"` + messageID + `","event":"Opened"}`),
	}
}

func provisionMessages(t *testing.T, m *Messages) *Messages {
	t.Helper()
	if err := m.provision(); err != nil {
		t.Fatal(err)
	}
	if err := m.validate(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMessagesEvent(t *testing.T) {
	for _, test := range []struct {
		name, msgID, trace string
		want               nats.Header
	}{
		{"default", "", "", nats.Header{"Nats-Msg-Id": {"web:id-1"}}},
		{"payload", "payload", "", nats.Header{"Nats-Msg-Id": {"web:id-1"}}},
		{"payload and trace", "payload", testTrace, nats.Header{"Nats-Msg-Id": {"web:id-1"}, "traceparent": {testTrace}}},
		{"none", "none", "", nil},
		{"none and trace", "none", testTrace, nats.Header{"traceparent": {testTrace}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := provisionMessages(t, &Messages{MsgID: test.msgID})
			event := newEvent("id-1")
			event.TraceParent = test.trace
			published := m.event(context.Background(), event)
			msg := forward.Message(&published)
			if msg.Subject != "segment.events.web.track" {
				t.Errorf("subject %q", msg.Subject)
			}
			if !reflect.DeepEqual(msg.Header, test.want) {
				t.Errorf("headers %v, want %v", msg.Header, test.want)
			}
			if string(msg.Data) != string(event.Body) {
				t.Errorf("data %q, want %q", msg.Data, event.Body)
			}
		})
	}
}

func TestMessagesGeneratedID(t *testing.T) {
	m := provisionMessages(t, &Messages{MsgID: "generated"})
	event := newEvent("the same for all")
	seen := make(map[string]bool)
	for range 100 {
		messageID := m.event(context.Background(), event).MessageID
		id, found := strings.CutPrefix(messageID, "web:")
		if _, err := uuid.Parse(id); err != nil || !found {
			t.Fatalf("message id %q: %v", messageID, err)
		}
		seen[id] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d different message ids, want 100", len(seen))
	}
}

func TestMessagesSubject(t *testing.T) {
	m := provisionMessages(t, &Messages{Subject: "pixel.{event}.{http.request.host}"})
	msg := m.event(natstest.WithPlaceholders(map[string]string{"http.request.host": "a.b"}), newEvent("1"))
	if msg.Subject != "pixel.Opened.a_b" {
		t.Errorf("subject %q", msg.Subject)
	}
}

func TestMessagesRejection(t *testing.T) {
	opted := &pixel.Facts{OptOut: pixel.GPC}
	for _, test := range []struct {
		name, rejected string
		rejection      *pixel.Rejection
		subject, data  string
		header         map[string]string
	}{
		{
			name: "early", rejection: pixel.Reject(pixel.UnknownRoute, "no type", pixel.NoType, "a=1", &pixel.Facts{}),
			subject: "segment.rejected.unknown_route", data: "a=1",
			header: map[string]string{"Segment-Reason": "unknown_route", "Segment-Detail": "no type"},
		},
		{
			name: "late", rejected: "refused.here",
			rejection: &pixel.Rejection{Reason: pixel.NoEvent, Detail: "event is missing", Source: "web", Type: pixel.Track, Query: "data=x"},
			subject:   "refused.here.no_event", data: "data=x",
			header: map[string]string{
				"Segment-Reason": "no_event", "Segment-Detail": "event is missing",
				"Segment-Source": "web", "Segment-Type": "track",
			},
		},
		{
			name: "opted out", rejection: pixel.Reject(pixel.GPC, "Sec-GPC", pixel.Page, "userId=alice", opted),
			subject: "segment.rejected.gpc", data: "",
			header: map[string]string{"Segment-Reason": "gpc", "Segment-Detail": "Sec-GPC", "Segment-Type": "page"},
		},
		{
			name: "long", rejection: pixel.Reject(pixel.TooLarge, "large", pixel.Page, strings.Repeat("a", 2*pixel.MaxRejectedQuery), &pixel.Facts{}),
			subject: "segment.rejected.too_large", data: strings.Repeat("a", pixel.MaxRejectedQuery),
			header: map[string]string{"Segment-Reason": "too_large", "Segment-Detail": "large", "Segment-Type": "page"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := provisionMessages(t, &Messages{Rejected: test.rejected})
			msg := m.rejection(test.rejection)
			if msg.Subject != test.subject {
				t.Errorf("subject %q, want %q", msg.Subject, test.subject)
			}
			if string(msg.Data) != test.data {
				t.Errorf("data %q, want %q", msg.Data, test.data)
			}
			if len(msg.Header) != len(test.header) {
				t.Errorf("headers %q, want %q", slices.Collect(maps.Keys(msg.Header)), test.header)
			}
			for name, value := range test.header {
				if got := msg.Header[name]; !slices.Equal(got, []string{value}) {
					t.Errorf("header %s is %q, want %q", name, got, value)
				}
			}
		})
	}
}

func TestMessagesRejectedOff(t *testing.T) {
	m := provisionMessages(t, &Messages{Rejected: "off"})
	if msg := m.rejection(&pixel.Rejection{Reason: pixel.NoData}); msg != nil {
		t.Errorf("made a message for %s", msg.Subject)
	}
}

// TestMessagesRejectionSubjects makes sure that every reason is a token that a
// consumer can subscribe to.
func TestMessagesRejectionSubjects(t *testing.T) {
	m := provisionMessages(t, &Messages{})
	seen := make(map[string]bool)
	for _, reason := range pixel.Reasons() {
		name := m.rejection(&pixel.Rejection{Reason: reason}).Subject
		if err := subject.Check(name); err != nil {
			t.Errorf("subject %q %v", name, err)
		}
		if !subject.Covers("segment.rejected.*", name) || seen[name] {
			t.Errorf("subject %q", name)
		}
		seen[name] = true
	}
}

func TestMessagesErrors(t *testing.T) {
	for _, test := range []struct {
		messages Messages
		want     string
	}{
		{Messages{Subject: "a..b"}, "empty token"},
		{Messages{MsgID: "random"}, `msg_id is "random": write payload, generated or none`},
		{Messages{MsgID: "Payload"}, "msg_id"},
		{Messages{Rejected: "a.*"}, "rejected: the prefix"},
		{Messages{Rejected: "$JS"}, "dollar sign"},
		{Messages{Rejected: "OFF "}, "rejected: the prefix"},
	} {
		err := test.messages.provision()
		if err == nil {
			err = test.messages.validate()
		}
		natstest.WantError(t, err, test.want)
	}
}

// TestMessagesTellReadersApart has templates with a constant messageId: an open of one
// reader must not suppress that of another.
func TestMessagesTellReadersApart(t *testing.T) {
	m := provisionMessages(t, &Messages{})
	long := strings.Repeat("x", 65)
	for _, test := range []struct {
		event pixel.Event
		want  string
	}{
		{pixel.Event{MessageID: "m", Identity: "u", ClientID: true}, "web:m:u"},
		{pixel.Event{MessageID: "m", Identity: "u"}, "web:m"},
		{pixel.Event{MessageID: "m", ClientID: true}, "web:m"},
		{pixel.Event{MessageID: "m", Identity: "u\r\n", ClientID: true}, "web:m:u%0D%0A"},
		{pixel.Event{MessageID: "m", Identity: long[:64], ClientID: true}, "web:m:" + long[:64]},
		{pixel.Event{MessageID: "m", Identity: long, ClientID: true}, "web:m:" + fmt.Sprintf("%x", sha256.Sum256([]byte(long)))},
	} {
		test.event.Source, test.event.Type = "web", pixel.Track
		if got := m.event(t.Context(), &test.event).MessageID; got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
