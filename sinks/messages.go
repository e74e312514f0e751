// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/messageid"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/args"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// Messages says what events look like on NATS.
type Messages struct {
	// The subject of an event, with placeholders: {source}, {type}, {event} and
	// any placeholder of Caddy. A dot, a wildcard, a space and what is no
	// printable ASCII becomes "_" in a value, and so does an empty value.
	// Default: segment.events.{source}.{type}
	Subject string `json:"subject,omitempty"`

	// Where the Nats-Msg-Id header comes from, by which JetStream recognises an
	// event that it already has: "payload" takes the event's messageId and, if the
	// client sent that, a colon and the userId or else the anonymousId (beyond 64
	// bytes its SHA-256 in hexadecimal); "generated" makes a new one for every
	// request, so that the same reader's second open counts as well although the
	// pixel's messageId is constant; "none" leaves the header out. The source and a
	// colon stand in front of it. Default: payload
	MsgID string `json:"msg_id,omitempty"`

	// The subject prefix for rejected requests, which the reason follows as the
	// last token, or "off" to publish none. Default: segment.rejected
	Rejected string `json:"rejected,omitempty"`

	template *subject.Template
}

const (
	msgIDPayload   = "payload"
	msgIDGenerated = "generated"
	msgIDNone      = "none"

	rejectedOff     = "off"
	defaultRejected = "segment.rejected"
)

// provision fills in the defaults and parses the template.
func (m *Messages) provision() error {
	if m.Subject == "" {
		m.Subject = subject.Default
	}
	if m.MsgID == "" {
		m.MsgID = msgIDPayload
	}
	if m.Rejected == "" {
		m.Rejected = defaultRejected
	}
	var err error
	m.template, err = subject.Parse(m.Subject)
	return err
}

func (m *Messages) validate() error {
	if err := checkMsgID(m.MsgID); err != nil {
		return err
	}
	return checkRejected(m.Rejected)
}

func checkTemplate(template string) error {
	_, err := subject.Parse(template)
	return err
}

func checkMsgID(value string) error {
	switch value {
	case msgIDPayload, msgIDGenerated, msgIDNone:
		return nil
	}
	return fmt.Errorf("msg_id is %q: write payload, generated or none", value)
}

func checkRejected(prefix string) error {
	if prefix == rejectedOff {
		return nil
	}
	if err := subject.Check(prefix); err != nil {
		return fmt.Errorf("rejected: the prefix %q %w", prefix, err)
	}
	return nil
}

// unmarshalOption takes the subdirective that the dispenser stands on if it is
// one of ours.
func (m *Messages) unmarshalOption(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "subject":
		return true, args.Checked(d, "<template>", &m.Subject, checkTemplate)
	case "msg_id":
		return true, args.Checked(d, "payload|generated|none", &m.MsgID, checkMsgID)
	case "rejected":
		return true, args.Checked(d, "off|<prefix>", &m.Rejected, checkRejected)
	}
	return false, nil
}

// event is what is published of an event. Its body is the event's own memory.
func (m *Messages) event(ctx context.Context, event *pixel.Event) spool.Event {
	published := spool.Event{
		Subject:     m.template.Subject(ctx, event),
		TraceParent: event.TraceParent,
		Body:        event.Body,
	}
	switch m.MsgID {
	case msgIDPayload:
		published.MessageID = payloadID(event)
	case msgIDGenerated:
		published.MessageID = event.Source + ":" + messageid.New()
	}
	return published
}

// longestIdentity is how many bytes of an identity stand in a message id as they are.
const longestIdentity = 64

// payloadID is the message id of an event. The source in front keeps one site's ids from
// suppressing another's, and the identity behind a client's own id those of a template in
// which it is constant: one reader's open must not suppress that of another.
func payloadID(event *pixel.Event) string {
	if !event.ClientID || event.Identity == "" {
		return event.Source + ":" + headerText(event.MessageID)
	}
	identity := event.Identity
	if len(identity) > longestIdentity {
		sum := sha256.Sum256([]byte(identity))
		identity = hex.EncodeToString(sum[:])
	}
	return headerText(event.Source + ":" + event.MessageID + ":" + identity)
}

// headerText escapes what a header cannot hold, as in a URL: line breaks, which
// nats.go makes spaces, and spaces at the end, which it trims. Two ids that differ
// must not become one.
func headerText(id string) string {
	if !strings.ContainsAny(id, "\r\n") && strings.TrimRight(id, " \t") == id {
		return id
	}
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	kept := strings.TrimRight(id, " \t")
	return escape.Replace(kept) + strings.NewReplacer(" ", "%20", "\t", "%09").Replace(id[len(kept):])
}

// rejection makes the message of a rejected request, or nil where none is wanted.
func (m *Messages) rejection(r *pixel.Rejection) *nats.Msg {
	if m.Rejected == rejectedOff {
		return nil
	}
	msg := nats.NewMsg(m.Rejected + "." + r.Reason.String())
	msg.Data = []byte(r.Query)
	msg.Header["Segment-Reason"] = []string{r.Reason.String()}
	msg.Header["Segment-Detail"] = []string{r.Detail}
	if r.Source != "" {
		msg.Header["Segment-Source"] = []string{r.Source}
	}
	if r.Type != pixel.NoType {
		msg.Header["Segment-Type"] = []string{r.Type.String()}
	}
	return msg
}

// rejectedPrefix is empty if rejected requests are not published.
func (m *Messages) rejectedPrefix() string {
	if m.Rejected == rejectedOff {
		return ""
	}
	return m.Rejected
}
