// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// recordView is a record as the admin endpoint shows it.
type recordView struct {
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
	DecodeUS       float64         `json:"decode_us"`
	AnswerUS       float64         `json:"answer_us"`
	UntrustedProxy bool            `json:"untrusted_proxy,omitempty"`
	Body           json.RawMessage `json:"body,omitempty"`
	Query          string          `json:"query,omitempty"`
	Cut            bool            `json:"cut,omitempty"`
}

// view shows a record, its payload as App.Payloads says.
func (rec *record) view(payloads string) recordView {
	v := recordView{
		ID:             rec.id,
		Time:           rec.received.UTC().Truncate(time.Millisecond),
		Outcome:        rec.result.String(),
		Detail:         rec.detail,
		Type:           rec.typ.String(),
		Source:         rec.source,
		Repairs:        rec.repairs.Names(),
		Host:           string(rec.host),
		DecodeUS:       microseconds(rec.decoding),
		AnswerUS:       microseconds(rec.took),
		UntrustedProxy: rec.untrustedProxy,
		Cut:            rec.cut,
	}
	if rec.result == rejected {
		v.Reason, v.Hint = rec.reason.String(), rec.reason.Hint()
	}
	if rec.result == dropped {
		v.Detail = strings.Join(rec.dropped, ", ")
	}
	rec.showPayload(&v, payloads)
	return v
}

func (rec *record) showPayload(v *recordView, payloads string) {
	if payloads == payloadsFull {
		v.MessageID, v.Event = string(rec.messageID), string(rec.event)
	}
	if payloads == payloadsFull || rec.typ != pixel.NoType { // Of others, the path may hold anything.
		v.Path = string(rec.path)
	}
	switch {
	case payloads == payloadsOff || len(rec.payload) == 0:
	case rec.result == rejected && payloads == payloadsRedacted:
		v.Query = redactQuery(string(rec.payload))
	case rec.result == rejected:
		v.Query = string(rec.payload)
	case payloads == payloadsRedacted:
		v.Body = redactJSON(rec.payload)
	default:
		v.Body = rec.payload
	}
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
