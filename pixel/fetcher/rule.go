// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"fmt"
	"net/netip"
	"strings"
)

// Rule says who has fetched a pixel whose request fits. It fits if it has one of the
// agents, one of the headers and one of the networks, as far as the rule names any.
type Rule struct {
	Verdict
	Agents   []Agent
	Headers  []Header
	Networks []netip.Prefix

	// From is where that is said, and Seen when it was looked up. Rules of operators have
	// neither.
	From, Seen string
}

// Agent is a user agent or a part of one.
type Agent struct {
	Text string
	As   Part
}

// Part says where the text of an Agent stands.
type Part uint8

const (
	// Anywhere is where the text stands in the agent, in any letter case.
	Anywhere Part = iota
	// Whole says that the text is all of the agent.
	Whole
	// Start says that the agent begins with the text.
	Start
	// End says that the agent ends in the text.
	End
)

// Header is a part of the value of a header field, in any letter case.
type Header struct{ Field, Text string }

func (a Agent) fits(agent, lower string) bool {
	switch a.As {
	case Whole:
		return agent == a.Text
	case Start:
		return strings.HasPrefix(agent, a.Text)
	case End:
		return strings.HasSuffix(agent, a.Text)
	default:
		return strings.Contains(lower, strings.ToLower(a.Text))
	}
}

// Request is what is looked at of a request.
type Request struct {
	UserAgent string
	// Header returns the first value of a field.
	Header func(field string) string
	// Address is the client's own, as it is.
	Address netip.Addr
}

// byAgentAlone tells whether nothing but the user agent counts.
func (r *Rule) byAgentAlone() bool { return len(r.Headers) == 0 && len(r.Networks) == 0 }

func (r *Rule) fitsAgent(agent, lower string) bool {
	for _, a := range r.Agents {
		if a.fits(agent, lower) {
			return true
		}
	}
	return len(r.Agents) == 0
}

// fits tells whether the header fields and the agent fit. The networks are looked up in a
// table.
func (r *Rule) fits(q *Request) bool {
	return r.fitsHeaders(q) && (len(r.Agents) == 0 || r.fitsAgent(q.UserAgent, strings.ToLower(q.UserAgent)))
}

func (r *Rule) fitsHeaders(q *Request) bool {
	for _, h := range r.Headers {
		if value := q.Header(h.Field); value != "" && strings.Contains(strings.ToLower(value), strings.ToLower(h.Text)) {
			return true
		}
	}
	return len(r.Headers) == 0
}

// Conditions says what a request has to have, with the texts in backquotes.
func (r *Rule) Conditions() string {
	var all []string
	for _, a := range r.Agents {
		all = append(all, fmt.Sprintf(agentTexts[a.As], a.Text))
	}
	for _, h := range r.Headers {
		all = append(all, fmt.Sprintf("`%s: %s`", h.Field, h.Text))
	}
	for _, network := range r.Networks {
		all = append(all, "`"+network.String()+"`")
	}
	return strings.Join(all, " ")
}

var agentTexts = [...]string{
	Anywhere: "`%s` in the user agent",
	Whole:    "user agent `%s`",
	Start:    "user agent begins with `%s`",
	End:      "user agent ends in `%s`",
}

// Reason says why a rule, or none, has decided.
func Reason(verdict Verdict, rule *Rule) string {
	switch {
	case rule != nil && rule.From == "":
		return "a fetcher of the configuration: " + rule.Conditions()
	case rule != nil:
		return rule.Conditions() + ", see " + rule.From
	case verdict.Kind == Bot:
		return "the list of crawlerdetect"
	case verdict.Kind == Unknown:
		return "it says nothing of itself"
	default:
		return "no rule knows it"
	}
}
