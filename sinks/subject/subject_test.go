// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

func TestSubject(t *testing.T) {
	long := strings.Repeat("a", 2*maxSubjectValue)
	for _, test := range []struct {
		name, template, want string
		event                pixel.Event
		placeholders         map[string]string
	}{
		{name: "default", template: Default, event: pixel.Event{Source: "web", Type: pixel.Track}, want: "segment.events.web.track"},
		{name: "no placeholder", template: "pixel", want: "pixel"},
		{name: "all in one token", template: "{source}-{type}-{event}", event: pixel.Event{Source: "web", Type: pixel.Track, Name: "Open"}, want: "web-track-Open"},
		{name: "a dot separates no tokens", template: "e.{event}", event: pixel.Event{Name: "a.b."}, want: "e.a_b_"},
		{name: "wildcards", template: "e.{event}.x", event: pixel.Event{Name: "*>"}, want: "e.__.x"},
		{name: "a wildcard alone", template: "e.{event}", event: pixel.Event{Name: ">"}, want: "e._"},
		{name: "white space", template: "e.{event}", event: pixel.Event{Name: " Email\tOpened\r\n"}, want: "e._Email_Opened__"},
		{name: "control bytes", template: "e.{event}", event: pixel.Event{Name: "\x00\x1f\x7f"}, want: "e.___"},
		{name: "each byte outside of ASCII", template: "e.{event}", event: pixel.Event{Name: "é\xff"}, want: "e.___"},
		{name: "other ASCII stays", template: "e.{event}", event: pixel.Event{Name: `!"#$%&'()+,-/09:;<=?@AZ[\]^_az{|}~`}, want: `e.!"#$%&'()+,-/09:;<=?@AZ[\]^_az{|}~`},
		{name: "empty", template: "e.{event}.{source}", want: "e._._"},
		{name: "long", template: "e.{event}.x", event: pixel.Event{Name: long}, want: "e." + long[:maxSubjectValue] + ".x"},
		{name: "reserved", template: "{event}.API", event: pixel.Event{Name: "$JS"}, want: "_JS.API"},
		{name: "a dollar sign elsewhere", template: "e.{event}", event: pixel.Event{Name: "$JS"}, want: "e.$JS"},
		{name: "placeholder of the request", template: "e.{http.request.host}", placeholders: map[string]string{"http.request.host": "shop.example.com"}, want: "e.shop_example_com"},
		{name: "placeholder in a placeholder's value", template: "e.{a}", placeholders: map[string]string{"a": "{source}"}, event: pixel.Event{Source: "web"}, want: "e.{source}"},
		{name: "unknown placeholder", template: "e.{nobody.knows}", placeholders: map[string]string{}, want: "e._"},
		{name: "the event's own goes first", template: "e.{source}", placeholders: map[string]string{"source": "other"}, event: pixel.Event{Source: "web"}, want: "e.web"},
	} {
		t.Run(test.name, func(t *testing.T) {
			template, err := Parse(test.template)
			if err != nil {
				t.Fatal(err)
			}
			if got := template.Subject(natstest.WithPlaceholders(test.placeholders), &test.event); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestSubjectWithoutRequest has no replacer in its context, as in Go programs that
// use a sink by itself.
func TestSubjectWithoutRequest(t *testing.T) {
	t.Setenv("TEST_REGION", "eu.west")
	template, err := Parse("e.{env.TEST_REGION}.{http.request.host}")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := template.Subject(context.Background(), &pixel.Event{}), "e.eu_west._"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSubjectErrors(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{"", "empty token"},
		{".", "empty token"},
		{".a", "empty token"},
		{"a.", "empty token"},
		{"a..{type}", "empty token"},
		{"{type}..a", "empty token"},
		{"a.*", "wildcard"},
		{"a.>", "wildcard"},
		{"a.{type}*", "wildcard"},
		{"a b.{type}", "a space"},
		{"a\t{type}", "a space"},
		{"é.{type}", "outside of ASCII"},
		{"{", "empty or not closed"},
		{"a.{type", "empty or not closed"},
		{"a.{}", "empty or not closed"},
		{"$SYS.{type}", "dollar sign"},
		{strings.Repeat("a", maxSubject+1), "longer than"},
		{"a" + strings.Repeat(".{type}", maxSubjectValues+1), "more than 8 placeholders"},
	} {
		if _, err := Parse(test.template); err == nil {
			t.Errorf("%q: no error, want one with %q", test.template, test.want)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got error %q, want one with %q", test.template, err, test.want)
		}
	}
}

func TestSubjectWildcard(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{Default, "segment.events.*.*"},
		{"a.b", "a.b"},
		{"{type}", "*"},
		{"a.x{type}y.b", "a.*.b"},
		{"{source}-{type}.{http.request.host}", "*.*"},
	} {
		template, err := Parse(test.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := template.Wildcard(); got != test.want {
			t.Errorf("%q: got %q, want %q", test.template, got, test.want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		outer, inner string
		want         bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "*", false},
		{"*", "a", true},
		{"*", "*", true},
		{"*", ">", false},
		{"*", "a.b", false},
		{">", "a", true},
		{">", "a.*.b", true},
		{">", ">", true},
		{"a.>", "a", false},
		{"a.>", "a.b", true},
		{"a.>", "a.*.*", true},
		{"a.>", "a.>", true},
		{"a.>", "*.b", false},
		{"a.b", "a.b.c", false},
		{"a.b.c", "a.b", false},
		{"a.*.c", "a.*.c", true},
		{"a.*.c", "a.b.*", false},
		{"a.*.>", "a.>", false},
		{"a.*.>", "a.b.c.d", true},
	} {
		if got := Covers(test.outer, test.inner); got != test.want {
			t.Errorf("covers(%q, %q) is %t", test.outer, test.inner, got)
		}
	}
}

// noNetwork is a dialer that reaches nobody.
type noNetwork struct{}

func (noNetwork) Dial(string, string) (net.Conn, error) { return nil, errors.New("no network") }

// closedClient returns a client that checks subjects, which comes first, but
// publishes nothing.
func closedClient(t testing.TB) *nats.Conn {
	t.Helper()
	client, err := nats.Connect("nats://nobody:4222", nats.RetryOnFailedConnect(true), nats.SetCustomDialer(noNetwork{}))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	return client
}

// FuzzSubject fills templates with whatever a client can send: the subject has to
// be one that NATS takes, in the shape that the template has.
func FuzzSubject(f *testing.F) {
	client := closedClient(f)
	for _, template := range []string{
		Default,
		"{event}",
		"pixel.{source}.{event}.{http.request.host}",
		"{http.request.host}.{event}",
		"a{source}b{event}c",
		"x" + strings.Repeat(".{event}", maxSubjectValues),
		"$a.{event}",
	} {
		f.Add(template, "web", "Email Opened", "shop.example.com")
		f.Add(template, "", "", "")
		f.Add(template, "*", ">", "$JS.API.>")
		f.Add(template, "a..b", ".\x00\r\n", "é\xff\u2028")
		f.Add(template, "{source}", "{event}", strings.Repeat("long ", 1000))
	}
	f.Fuzz(func(t *testing.T, text, source, event, value string) {
		template, err := Parse(text)
		if err != nil {
			return
		}
		ctx := natstest.WithPlaceholders(map[string]string{"http.request.host": value})
		subject := template.Subject(ctx, &pixel.Event{Source: source, Type: pixel.Track, Name: event})
		if err := client.Publish(subject, nil); !errors.Is(err, nats.ErrConnectionClosed) {
			t.Errorf("the client says %v of the subject %q", err, subject)
		}
		if !server.IsValidLiteralSubject(subject) {
			t.Errorf("the server does not take the subject %q", subject)
		}
		if got, want := strings.Count(subject, "."), strings.Count(template.Wildcard(), "."); got != want {
			t.Errorf("subject %q has %d tokens, want %d", subject, got+1, want+1)
		}
		if !Covers(template.Wildcard(), subject) {
			t.Errorf("a stream with %q does not get %q", template.Wildcard(), subject)
		}
		if strings.HasPrefix(subject, "$") {
			t.Errorf("subject %q is one of those that NATS keeps for itself", subject)
		}
		if len(subject) > server.MAX_CONTROL_LINE_SIZE-256 {
			t.Errorf("a subject of %d bytes leaves no room on the control line", len(subject))
		}
	})
}
