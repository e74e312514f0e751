// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
)

// Filter says which records somebody wants to see. An empty list lets all through.
type Filter struct {
	sources, types, outcomes, reasons, hosts, fetches, events []string

	text string // in lower case
	id   uint64
}

// ParseFilter reads the parameters source, type, outcome, reason, host and fetch, each of
// which may be repeated and hold several values with commas between them; event, which
// may be repeated; text, which stands anywhere in what is shown, in any case; and the
// id of a record. As an outcome, a reason is understood as well.
func ParseFilter(query url.Values) (*Filter, error) {
	f := &Filter{
		sources:  listed(query["source"]),
		types:    listed(query["type"]),
		outcomes: listed(query["outcome"]),
		reasons:  listed(query["reason"]),
		hosts:    listed(query["host"]),
		fetches:  listed(query["fetch"]),
		events:   query["event"],
		text:     strings.ToLower(strings.TrimSpace(query.Get("text"))),
	}
	if text := query.Get("id"); text != "" {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil || id == 0 {
			return nil, fmt.Errorf("id is %q: write the id of a record", text)
		}
		f.id = id
	}
	for _, typ := range f.types {
		if pixel.ParseType(typ) == pixel.NoType {
			return nil, fmt.Errorf("there is no event type %q: write identify, group, alias, page, screen or track", typ)
		}
	}
	for _, name := range f.outcomes {
		if !slices.Contains(resultNames[:], name) && !isReason(name) {
			return nil, fmt.Errorf("there is no outcome %q: write accepted, rejected, dropped, failed or a reason", name)
		}
	}
	for _, name := range f.fetches {
		if kind, _, _ := strings.Cut(name, "/"); fetcher.ParseKind(kind) == fetcher.None {
			return nil, fmt.Errorf("there is no kind of fetcher %q: write reader, proxy, prefetch, scanner, preview, bot or unknown", kind)
		}
	}
	for _, name := range f.reasons {
		if !isReason(name) {
			return nil, fmt.Errorf("there is no reason %q: see docs/pixels.md", name)
		}
	}
	return f, nil
}

func listed(values []string) []string {
	var list []string
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				list = append(list, name)
			}
		}
	}
	return list
}

func isReason(name string) bool {
	return slices.ContainsFunc(pixel.Reasons(), func(r pixel.Reason) bool { return r.String() == name })
}

// wants tells whether the filter can let through anything of a ring.
func (f *Filter) wants(which int) bool {
	if which == ringAccepted {
		return len(f.reasons) == 0 && (len(f.outcomes) == 0 || slices.Contains(f.outcomes, Accepted.String()))
	}
	return len(f.outcomes) == 0 || !slices.Equal(f.outcomes, []string{Accepted.String()})
}

// matches tells whether the filter lets a record through, of which no more than the
// mode says may be found.
func (f *Filter) matches(rec *record, payloads string) bool {
	return (f.id == 0 || f.id == rec.id) &&
		f.matchesOutcome(rec) &&
		(len(f.sources) == 0 || slices.Contains(f.sources, rec.source)) &&
		(len(f.types) == 0 || slices.ContainsFunc(f.types, func(typ string) bool { return pixel.ParseType(typ) == rec.typ })) &&
		(len(f.hosts) == 0 || slices.Contains(f.hosts, string(rec.host))) &&
		(len(f.fetches) == 0 || slices.Contains(f.fetches, rec.fetch.Kind.String()) || slices.Contains(f.fetches, rec.fetch.String())) &&
		(len(f.events) == 0 || payloads == PayloadsFull && slices.Contains(f.events, string(rec.event))) &&
		(f.text == "" || rec.contains(f.text, payloads))
}

func (f *Filter) matchesOutcome(rec *record) bool {
	reason := ""
	if rec.result == Rejected {
		reason = rec.reason.String()
	}
	return (len(f.outcomes) == 0 || slices.Contains(f.outcomes, rec.result.String()) || slices.Contains(f.outcomes, reason)) &&
		(len(f.reasons) == 0 || slices.Contains(f.reasons, reason))
}

// contains looks for a text in lower case in what is shown of a record.
func (rec *record) contains(text, payloads string) bool {
	for _, shown := range []string{rec.source, rec.detail, rec.typ.String()} {
		if strings.Contains(strings.ToLower(shown), text) {
			return true
		}
	}
	if rec.result == Rejected && strings.Contains(rec.reason.String(), text) {
		return true
	}
	searched := [][]byte{rec.host}
	if payloads == PayloadsFull {
		searched = append(searched, rec.event, rec.messageID, rec.path, rec.agent, rec.referer, rec.payload)
	}
	return slices.ContainsFunc(searched, func(part []byte) bool { return bytes.Contains(bytes.ToLower(part), []byte(text)) })
}
