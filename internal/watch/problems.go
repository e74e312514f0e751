// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// problems are the requests that were not accepted, grouped by what is wrong, source
// and host: so many requests are seen as the few problems that they are.
type problems map[problemKey]*problem

type problemKey struct {
	result result
	reason pixel.Reason
	cause  string // of a sink that did not take the event
	source string
	host   string
	folded bool // stands for all hosts that have no group of their own
}

type problem struct {
	count       uint64
	first, last time.Time
	sample      record
	sampled     time.Time
}

const (
	// maxProblems bounds the groups: a client may send any host.
	maxProblems = 200
	// samplePause is how long a sample stays, so that a flood is not copied.
	samplePause = time.Second
)

// note counts a request in its group.
func (p problems) note(id uint64, o *Outcome, withPayload bool) {
	key := problemKey{result: o.Result, reason: o.reason(), cause: o.dropped.String(), source: o.Source}
	key.host = o.Request.Host[:min(len(o.Request.Host), maxText)]
	found := p[key]
	if found == nil {
		if len(p) >= maxProblems {
			key.host, key.folded = "", true
			found = p[key]
		}
		if found == nil {
			found = &problem{first: o.Received}
			key.host, key.source = strings.Clone(key.host), strings.Clone(key.source)
			p[key] = found
		}
	}
	found.count++
	found.last = o.Received
	if o.Received.Sub(found.sampled) >= samplePause {
		found.sampled = o.Received
		found.sample.fill(id, o, withPayload)
	}
}

func (p problems) forgetPayloads() {
	for _, group := range p {
		group.sample.payload = nil
	}
}

// Problem is a group of requests that were not accepted for the same cause.
type Problem struct {
	Outcome    string    `json:"outcome"`
	Reason     string    `json:"reason,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	Hint       string    `json:"hint,omitempty"`
	Source     string    `json:"source,omitempty"`
	Host       string    `json:"host,omitempty"`
	OtherHosts bool      `json:"other_hosts,omitempty"` // it stands for hosts beyond those that are told apart
	Count      uint64    `json:"count"`
	FirstSeen  time.Time `json:"first_seen"`
	LastSeen   time.Time `json:"last_seen"`
	Sample     View      `json:"sample"` // one of the last
}

// group is a problem apart from the recorder.
type group struct {
	problemKey
	problem
}

func (p problems) groups() []group {
	groups := make([]group, 0, len(p))
	for key, of := range p {
		copied := *of
		copied.sample = of.sample.clone()
		groups = append(groups, group{key, copied})
	}
	return groups
}

func problemViews(groups []group, payloads string) []Problem {
	views := make([]Problem, len(groups))
	for i := range groups {
		g := &groups[i]
		sample := g.sample.View(payloads)
		views[i] = Problem{
			Outcome: g.result.String(), Reason: sample.Reason, Detail: sample.Detail, Hint: sample.Hint,
			Source: g.source, Host: g.host, OtherHosts: g.folded,
			Count: g.count, FirstSeen: g.first.UTC(), LastSeen: g.last.UTC(), Sample: sample,
		}
	}
	// Those of the last minutes come first, but do not change places with each request.
	slices.SortFunc(views, func(a, b Problem) int {
		return cmp.Or(
			b.LastSeen.Truncate(time.Minute).Compare(a.LastSeen.Truncate(time.Minute)),
			cmp.Compare(b.Count, a.Count),
			a.FirstSeen.Compare(b.FirstSeen),
		)
	})
	return views
}
