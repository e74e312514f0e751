// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"encoding/json"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// View is a record as the admin endpoint shows it.
type View struct {
	ID             uint64          `json:"id"`
	Time           time.Time       `json:"time"`
	Outcome        string          `json:"outcome"`
	Reason         string          `json:"reason,omitempty"`
	Detail         string          `json:"detail,omitempty"`
	Hint           string          `json:"hint,omitempty"`
	Type           string          `json:"type,omitempty"`
	Source         string          `json:"source,omitempty"`
	MessageID      string          `json:"message_id,omitempty"`
	Event          string          `json:"event,omitempty"`
	Repairs        []string        `json:"repairs,omitempty"`
	Host           string          `json:"host,omitempty"`
	Path           string          `json:"path,omitempty"`
	Fetch          string          `json:"fetch,omitempty"` // kind, and who it was behind a slash
	UserAgent      string          `json:"user_agent,omitempty"`
	Referrer       string          `json:"referrer,omitempty"`
	DecodeUS       float64         `json:"decode_us"`
	AnswerUS       float64         `json:"answer_us"`
	UntrustedProxy bool            `json:"untrusted_proxy,omitempty"`
	Body           json.RawMessage `json:"body,omitempty"`
	Query          string          `json:"query,omitempty"`
	Cut            bool            `json:"cut,omitempty"`
}

// View shows a record, its payload as App.Payloads says.
func (rec *record) View(payloads string) View {
	v := View{
		ID:             rec.id,
		Time:           rec.received.UTC().Truncate(time.Millisecond),
		Outcome:        rec.result.String(),
		Detail:         rec.detail,
		Type:           rec.typ.String(),
		Source:         rec.source,
		Repairs:        rec.repairs.Names(),
		Host:           string(rec.host),
		Fetch:          rec.fetch.String(),
		DecodeUS:       microseconds(rec.decoding),
		AnswerUS:       microseconds(rec.took),
		UntrustedProxy: rec.untrustedProxy,
		Cut:            rec.cut,
	}
	switch rec.result {
	case Rejected:
		v.Reason, v.Hint = rec.reason.String(), rec.reason.Hint()
	case dropped:
		v.Detail, v.Hint = rec.dropped.String(), rec.dropped.hint()
	case Failed:
		v.Hint = "segment_pixel has panicked, which is a bug of it. The log has the stack: report it."
	}
	rec.showPayload(&v, payloads)
	return v
}

func (rec *record) showPayload(v *View, payloads string) {
	if payloads == PayloadsFull {
		v.MessageID, v.Event = string(rec.messageID), string(rec.event)
		v.UserAgent, v.Referrer = string(rec.agent), string(rec.referer)
	}
	if payloads == PayloadsFull || rec.typ != pixel.NoType { // Of others, the path may hold anything.
		v.Path = string(rec.path)
	}
	switch {
	case payloads == payloadsOff || len(rec.payload) == 0:
	case rec.result == Rejected && payloads == PayloadsRedacted:
		v.Query = redactQuery(string(rec.payload))
	case rec.result == Rejected:
		v.Query = string(rec.payload)
	case payloads == PayloadsRedacted:
		v.Body = redactJSON(rec.payload)
	default:
		v.Body = rec.payload
	}
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
