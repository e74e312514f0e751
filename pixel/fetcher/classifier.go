// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher/crawlers"
)

// Classifier says who has fetched pixels. It may be used by anybody at any time.
type Classifier struct {
	rules   []Rule // those of the operator, then those of the table
	special []int  // the rules that look at more than the agent, in order
	known   cache
	budget  budget
}

// New returns a classifier that asks the operator's rules before the table.
func New(own []Rule) *Classifier {
	crawlers.Load() // The first pixel shall not wait for it.
	c := &Classifier{rules: slices.Concat(own, Table()), budget: newBudget()}
	for i := range c.rules {
		if !c.rules[i].byAgentAlone() {
			c.special = append(c.special, i)
		}
	}
	return c
}

// byCrawlers stands for the rule that crawlerdetect's list is, behind all others.
const byCrawlers = -1

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
	for _, i := range c.special {
		if found.rule != byCrawlers && i > found.rule {
			break
		}
		rule := &c.rules[i]
		if rule.fitsRest(q) && (len(rule.Agents) == 0 || rule.fitsAgent(q.UserAgent, strings.ToLower(q.UserAgent))) {
			return rule.Verdict, i
		}
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
