// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"bytes"
	"slices"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
)

// record is what is kept of one request. Its texts are its own memory, which is used
// again for another request: those of the request would keep far more alive.
type record struct {
	id             uint64
	received       time.Time
	decoding, took time.Duration
	result         result
	reason         pixel.Reason
	detail         string
	typ            pixel.Type
	source         string
	repairs        pixel.Repair
	fetch          fetcher.Verdict
	untrustedProxy bool
	dropped        drops

	host, path, event, messageID, agent, referer []byte

	payload []byte // the published object, or the query of a rejected request
	cut     bool   // the payload was longer than what is kept
}

const (
	// maxPayload is how many bytes of a payload are kept. A longer query is cut, a
	// longer object left out.
	maxPayload = pixel.MaxRejectedQuery
	// maxText bounds the other texts that a client can make us keep.
	maxText = 256
)

// fill takes from an outcome what outlives it. It sets every field: the record was
// another one before.
func (rec *record) fill(id uint64, o *Outcome, withPayload bool) {
	rec.id = id
	rec.received, rec.decoding, rec.took = o.Received, o.Decoding, o.Took
	rec.result, rec.reason, rec.typ, rec.source = o.Result, o.reason(), o.Type, o.Source
	rec.fetch, rec.untrustedProxy, rec.dropped = o.Fetch, o.UntrustedProxy, o.dropped
	rec.host = keep(rec.host, o.Request.Host)
	rec.path = keep(rec.path, o.Request.URL.Path)
	rec.messageID = keep(rec.messageID, o.MessageID)
	rec.agent, rec.referer = keep(rec.agent, o.UserAgent), keep(rec.referer, o.Referer)
	rec.event, rec.repairs, rec.detail = rec.event[:0], 0, ""
	rec.payload, rec.cut = rec.payload[:0], false
	if o.rejection != nil {
		rec.detail = o.rejection.Detail
		if withPayload {
			rec.payload = append(rec.payload, o.rejection.Query...)
			rec.cut = len(o.rejection.Query) > 0 && len(o.Request.URL.RawQuery) > len(o.rejection.Query)
		}
	}
	if o.Event != nil {
		rec.repairs = o.Event.Repairs
		rec.event = keep(rec.event, o.Event.Name)
		switch {
		case !withPayload:
		case len(o.Event.Body) > maxPayload:
			rec.cut = true
		default:
			rec.payload = append(rec.payload, o.Event.Body...)
		}
	}
}

// keep copies a text into memory that is used again.
func keep(memory []byte, text string) []byte {
	return append(memory[:0], text[:min(len(text), maxText)]...)
}

func (rec *record) clone() record {
	c := *rec
	for _, text := range []*[]byte{&c.host, &c.path, &c.event, &c.messageID, &c.agent, &c.referer, &c.payload} {
		*text = bytes.Clone(*text)
	}
	c.dropped = slices.Clone(c.dropped)
	return c
}
