// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"math"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher/crawlers"
)

// Classifier says who has fetched pixels. It may be used by anybody at any time.
type Classifier struct {
	rules    []Rule // those of the operator, then those of the table
	headed   []int  // the rules that look at header fields and at no network, in order
	networks networks
	known    cache
	budget   budget
}

// New returns a classifier that asks the operator's rules before the table.
func New(own []Rule) *Classifier {
	crawlers.Load() // The first pixel shall not wait for it.
	c := &Classifier{rules: slices.Concat(own, Table()), budget: newBudget()}
	for i := range c.rules {
		if len(c.rules[i].Headers) > 0 && len(c.rules[i].Networks) == 0 {
			c.headed = append(c.headed, i)
		}
	}
	c.networks = networksOf(c.rules)
	return c
}

// byCrawlers stands for the rule that crawlerdetect's list is, behind all others.
const byCrawlers = math.MaxInt

// answer is what is known of a user agent.
type answer struct {
	rule    int // the first that fits by the agent alone, or byCrawlers
	verdict Verdict
}

// Classify says who has fetched a pixel. The first rule that fits decides.
func (c *Classifier) Classify(q *Request) Verdict {
	verdict, _ := c.classify(q)
	return verdict
}

// Explain also returns the rule that has decided, or nil if none has.
func (c *Classifier) Explain(q *Request) (Verdict, *Rule) {
	verdict, rule := c.classify(q)
	if rule == byCrawlers {
		return verdict, nil
	}
	return verdict, &c.rules[rule]
}

func (c *Classifier) classify(q *Request) (Verdict, int) {
	found := c.ofAgent(q.UserAgent)
	fits := func(rule int) bool { return c.rules[rule].fits(q) }
	special := c.networks.first(q.Address, fits)
	if i := slices.IndexFunc(c.headed, fits); i >= 0 {
		special = min(special, c.headed[i])
	}
	if special < found.rule {
		return c.rules[special].Verdict, special
	}
	return found.verdict, found.rule
}

// ofAgent is what the user agent alone says.
func (c *Classifier) ofAgent(agent string) answer {
	if agent == "" {
		return answer{byCrawlers, Verdict{Kind: Unknown}}
	}
	if found, ok := c.known.get(agent); ok {
		return found
	}
	lower := strings.ToLower(agent)
	for i := range c.rules {
		if rule := &c.rules[i]; rule.byAgentAlone() && rule.fitsAgent(agent, lower) {
			found := answer{i, rule.Verdict}
			c.known.put(agent, found)
			return found
		}
	}
	if !c.budget.take() {
		return answer{byCrawlers, Verdict{Kind: Unknown}}
	}
	found := answer{byCrawlers, Verdict{Kind: Reader}}
	if crawlers.Has(agent) {
		found.verdict = Verdict{Kind: Bot, By: "crawler"}
	}
	c.known.put(agent, found)
	return found
}
