// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/messageid"
)

// Event is one accepted call, ready to be published.
type Event struct {
	// Type is the event type of the route.
	Type Type
	// Source is the source of the write key.
	Source string
	// Name is what a track call names its event, empty for other types.
	Name string
	// MessageID is the client's messageId, or a UUIDv7 where it sent none.
	MessageID string
	// ClientID tells whether MessageID is the client's.
	ClientID bool
	// Identity is the userId or, without one, the anonymousId.
	Identity string
	// Fetch is who has fetched the pixel, if that was asked.
	Fetch fetcher.Verdict
	// TraceParent is the W3C trace context of the request, if any.
	TraceParent string
	// Received is when the request came, in UTC and whole milliseconds.
	Received time.Time
	// Repairs is what had to be mended.
	Repairs Repair
	// Body is the published JSON object. Its memory is reused after Release: who
	// keeps it longer copies it.
	Body []byte

	workspace *workspace
}

// Release gives the memory of the event back. The event must not be used
// afterwards. An event that was not made by a Decoder needs no Release.
func (e *Event) Release() {
	if ws := e.workspace; ws != nil {
		e.workspace = nil
		ws.release()
	}
}

// maxMessageID is the longest messageId that is kept, in bytes.
const maxMessageID = 100

// buildEvent writes the envelope, once: the client's fields in the client's
// order with their bytes as they came, and ours behind them.
func (ws *workspace) buildEvent(c *call, source string, facts *Facts, version string) *Event {
	e := &ws.event
	*e = Event{
		Type:        c.typ,
		Source:      source,
		Fetch:       facts.Fetch,
		TraceParent: facts.TraceParent,
		Received:    facts.Received.UTC().Truncate(time.Millisecond),
		workspace:   ws,
	}
	keptID := ws.nameEvent(e, c, facts.Received)

	w := envelope{call: c, body: append(ws.body[:0], '{')}
	w.clientFields(ws, keptID, facts, version)
	if !keptID {
		w.text(`"messageId":`, e.MessageID)
	}
	if !c.member(layout.Context).Present() {
		w.separate()
		w.body = append(w.body, `"context":{`...)
		w.contextMembers(&layout.ContextLayout{}, true, facts, version)
		w.body = append(w.body, '}')
	}
	w.text(`"type":`, c.typ.String())
	if source != "" { // which is known but where somebody asks what would come of a pixel
		w.text(`"source":`, source)
	}
	w.times(c.times(e.Received, &ws.repairs))
	w.body = append(w.body, '}')
	ws.repairs |= c.repairs
	if mergetag.In(c.object) {
		ws.repairs |= RepairedMergeTag
	}
	if c.lostPlus(layout.UserID) || c.lostPlus(layout.AnonymousID) {
		ws.repairs |= RepairedUnescapedTag
	}
	ws.body = w.body
	e.Body = w.body
	e.Repairs = ws.repairs
	return e
}

// nameEvent fills in the name, the messageId and the identity of the event, which share
// one allocation: sinks may keep them. It keeps the client's messageId if that is of
// use, and else makes one that sorts by time.
func (ws *workspace) nameEvent(e *Event, c *call, received time.Time) (keptID bool) {
	words := ws.words[:0]
	if c.typ == Track {
		words = append(words, c.text(layout.Event)...)
	}
	nameEnd := len(words)
	id := c.text(layout.MessageID)
	keptID = 1 <= len(id) && len(id) <= maxMessageID
	if keptID {
		words = append(words, id...)
	} else {
		if c.member(layout.MessageID).Present() {
			ws.repairs |= RepairedMessageID
		}
		words = messageid.Append(words, received)
	}
	idEnd := len(words)
	words = c.appendIdentity(words)
	ws.words = words
	text := string(words)
	e.Name, e.MessageID, e.Identity = text[:nameEnd], text[nameEnd:idEnd], text[idEnd:]
	e.ClientID = keptID
	return keptID
}

// envelope writes the published object.
type envelope struct {
	call *call
	body []byte
}

// separate puts the comma in front of every member but the first.
func (w *envelope) separate() {
	if last := w.body[len(w.body)-1]; last != '{' {
		w.body = append(w.body, ',')
	}
}

// text writes a member whose value needs no more than quoting. Bytes that are
// no UTF-8, which header fields may hold, become replacement characters.
func (w *envelope) text(name, value string) {
	w.separate()
	w.body = append(w.body, name...)
	w.body, _ = jsontext.AppendQuote(w.body, value)
}

// clientFields copies the client's members but those that the envelope sets.
func (w *envelope) clientFields(ws *workspace, keptID bool, facts *Facts, version string) {
	for i := range w.call.layout.Members {
		m := &w.call.layout.Members[i]
		switch m.Field {
		case layout.WriteKey, layout.Type, layout.Source, layout.ReceivedAt,
			layout.OriginalTimestamp, layout.Timestamp, layout.SentAt:
			continue
		case layout.MessageID:
			if !keptID {
				continue
			}
		case layout.Context:
			if m.Present() {
				w.mergeContext(m, facts, version)
			}
			continue
		case layout.UserID, layout.AnonymousID, layout.GroupID, layout.PreviousID:
			if w.mendedIdentity(ws, m) {
				continue
			}
		}
		w.copyMember(m)
	}
}

// mendedIdentity writes an identity that is not published as the client sent it, or
// leaves it out. It tells whether it has done either.
func (w *envelope) mendedIdentity(ws *workspace, m *layout.Member) bool {
	if m.Kind == '0' {
		ws.repairs |= RepairedID
		w.numberAsText(m)
		return true
	}
	id := &w.call.identities[m.Field-layout.UserID]
	switch {
	case !id.mended:
		return false
	case id.tag != "":
		ws.repairs |= RepairedMergeTag
		return true
	case !id.present:
		ws.repairs |= RepairedSpaces
		return true
	}
	ws.repairs |= RepairedSpaces
	w.copyName(m)
	w.body, _ = jsontext.AppendQuote(w.body, w.call.identity(m.Field).text)
	return true
}

func (w *envelope) copyMember(m *layout.Member) {
	w.copyName(m)
	w.body = append(w.body, m.Value.Of(w.call.object)...)
}

func (w *envelope) copyName(m *layout.Member) {
	w.separate()
	w.body = append(append(w.body, m.Name.Of(w.call.object)...), ':')
}

func (w *envelope) numberAsText(m *layout.Member) {
	w.copyName(m)
	w.body = append(w.body, '"')
	w.body = append(w.body, m.Value.Of(w.call.object)...)
	w.body = append(w.body, '"')
}

// mergeContext copies the client's context and adds what it lacks, also in its
// page. The client's own members stay as they are.
func (w *envelope) mergeContext(m *layout.Member, facts *Facts, version string) {
	ctx := &w.call.layout.Context
	object, end := w.call.object, m.Value.End-1
	w.copyName(m)
	if addURL := facts.Referer != "" && ctx.Page.Kind == '{' && !ctx.PageHasURL; addURL {
		pageEnd := ctx.Page.Value.End - 1
		w.body = append(w.body, object[m.Value.Start:pageEnd]...)
		if !ctx.PageEmpty {
			w.body = append(w.body, ',')
		}
		w.body = append(w.body, `"url":`...)
		w.body, _ = jsontext.AppendQuote(w.body, facts.Referer)
		w.body = append(w.body, object[pageEnd:end]...)
	} else {
		w.body = append(w.body, object[m.Value.Start:end]...)
	}
	w.contextMembers(ctx, ctx.Empty, facts, version)
	w.body = append(w.body, '}')
}

// contextMembers writes each member that the client's context lacks.
func (w *envelope) contextMembers(ctx *layout.ContextLayout, empty bool, facts *Facts, version string) {
	next := func(name string) {
		if !empty {
			w.body = append(w.body, ',')
		}
		empty = false
		w.body = append(w.body, name...)
	}
	if !ctx.IP && facts.IP.IsValid() {
		next(`"ip":"`)
		w.body = append(facts.IP.AppendTo(w.body), '"')
	}
	if !ctx.UserAgent && facts.UserAgent != "" {
		next(`"userAgent":`)
		w.body, _ = jsontext.AppendQuote(w.body, facts.UserAgent)
	}
	if ctx.Page.Kind == 0 && facts.Referer != "" {
		next(`"page":{"url":`)
		w.body, _ = jsontext.AppendQuote(w.body, facts.Referer)
		w.body = append(w.body, '}')
	}
	if !ctx.Fetch && facts.Fetch.Kind != fetcher.None {
		next(`"fetch":`)
		w.body = facts.Fetch.AppendJSON(w.body)
	}
	if !ctx.Library {
		next(`"library":{"name":"segment_pixel","version":`)
		w.body, _ = jsontext.AppendQuote(w.body, version)
		w.body = append(w.body, '}')
	}
}

// times writes the four times. Those that the client did not send are that of
// receipt, which is formatted once.
func (w *envelope) times(t times) {
	var memory [len("2006-01-02T15:04:05.000Z")]byte
	received := appendTime(memory[:0], t.received)
	write := func(name string, at time.Time) {
		w.separate()
		w.body = append(w.body, name...)
		if at.Equal(t.received) {
			w.body = append(w.body, received...)
		} else {
			w.body = appendTime(w.body, at)
		}
		w.body = append(w.body, '"')
	}
	write(`"originalTimestamp":"`, t.original)
	write(`"sentAt":"`, t.sent)
	write(`"timestamp":"`, t.event)
	write(`"receivedAt":"`, t.received)
}
