// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
)

const (
	classifyOn    = "on"
	classifyOff   = "off"
	userAgentFull = "full"
	userAgentOff  = "off"
)

// Fetcher says who it is that has fetched a pixel. A request fits if it has one of the
// user agents, one of the header fields and one of the networks, as far as there are any.
type Fetcher struct {
	// What kind of client it is: `reader`, `proxy`, `prefetch`, `scanner`, `preview`,
	// `bot` or `unknown`. Required.
	Kind string `json:"kind,omitempty"`

	// Its name: 1 to 32 lower-case letters, digits, `_` and `-`. Required, but for
	// readers and unknown ones, which have none.
	By string `json:"by,omitempty"`

	// Parts of its user agent, in any letter case. One that begins with `=` is all of it.
	// Default: any user agent
	UserAgents []string `json:"user_agents,omitempty"`

	// Header fields that it sends. Default: any
	Headers []FetcherHeader `json:"headers,omitempty"`

	// Networks that it comes from, such as `192.0.2.0/24`; addresses are those that
	// Caddy's trusted_proxies lead to. Default: any
	Networks []string `json:"networks,omitempty"`
}

// FetcherHeader is a header field that tells who has fetched a pixel.
type FetcherHeader struct {
	// The name of the field. Required.
	Field string `json:"field,omitempty"`

	// A part of its value, in any letter case. Required.
	Text string `json:"text,omitempty"`
}

// sharedFetchers is for handlers that have no rules of their own.
var sharedFetchers = sync.OnceValue(func() *fetcher.Classifier { return fetcher.New(nil) })

func (h *Handler) provisionFetchers() error {
	rules := make([]fetcher.Rule, len(h.Fetchers))
	for i := range h.Fetchers {
		var err error
		if rules[i], err = h.Fetchers[i].rule(); err != nil {
			return fmt.Errorf("fetcher %d: %w", i+1, err)
		}
	}
	switch {
	case h.Classify == classifyOff:
	case len(rules) == 0:
		h.fetchers = sharedFetchers()
	default:
		h.fetchers = fetcher.New(rules)
	}
	return nil
}

// rule checks what has been configured.
func (f *Fetcher) rule() (fetcher.Rule, error) {
	rule := fetcher.Rule{Verdict: fetcher.Verdict{Kind: fetcher.ParseKind(f.Kind), By: f.By}}
	nameless := rule.Kind == fetcher.Reader || rule.Kind == fetcher.Unknown
	switch {
	case rule.Kind == fetcher.None:
		return rule, fmt.Errorf("there is no kind '%s': write reader, proxy, prefetch, scanner, preview, bot or unknown", f.Kind)
	case nameless && f.By != "":
		return rule, fmt.Errorf("a %s has no name: leave '%s' out", f.Kind, f.By)
	case !nameless && !fetcher.CheckName(f.By):
		return rule, fmt.Errorf("its name is '%s': write 1 to 32 lower-case letters, digits, _ and -", f.By)
	case len(f.UserAgents)+len(f.Headers)+len(f.Networks) == 0:
		return rule, errors.New("it would be everybody: write user_agent, header or network")
	}
	for _, text := range f.UserAgents {
		agent := fetcher.Agent{Text: text}
		if whole, found := strings.CutPrefix(text, "="); found {
			agent = fetcher.Agent{Text: whole, As: fetcher.Whole}
		}
		if agent.Text == "" {
			return rule, errors.New("a user_agent is empty")
		}
		rule.Agents = append(rule.Agents, agent)
	}
	for _, header := range f.Headers {
		if header.Field == "" || header.Text == "" {
			return rule, errors.New("a header needs a field and a text")
		}
		rule.Headers = append(rule.Headers, fetcher.Header(header))
	}
	for _, text := range f.Networks {
		network, err := parseNetwork(text)
		if err != nil {
			return rule, fmt.Errorf("'%s' is no network: write one such as 192.0.2.0/24", text)
		}
		rule.Networks = append(rule.Networks, network)
	}
	return rule, nil
}

// parseNetwork also takes a single address.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap()
		return address.Prefix(address.BitLen())
	}
	prefix, err := netip.ParsePrefix(text)
	const mapped = 96 // bits in front of an IPv4 address in IPv6
	if err == nil && prefix.Addr().Is4In6() && prefix.Bits() >= mapped {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-mapped)
	}
	return prefix.Masked(), err
}

func (h *Handler) unmarshalFetcher(d *caddyfile.Dispenser) error {
	const usage = "fetcher <kind> [<by>] { user_agent <text...>; header <field> <text>; network <cidr...> }"
	args := d.RemainingArgs()
	if len(args) < 1 || len(args) > 2 {
		return d.Errf("wrong number of arguments: write %s", usage)
	}
	f := Fetcher{Kind: args[0]}
	if len(args) == 2 {
		f.By = args[1]
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		values := d.RemainingArgs()
		if len(values) == 0 {
			return d.Errf("%s of a fetcher needs a value: write %s", option, usage)
		}
		switch option {
		case "user_agent":
			f.UserAgents = append(f.UserAgents, values...)
		case "network":
			f.Networks = append(f.Networks, values...)
		case "header":
			if len(values) != 2 {
				return d.Errf("wrong number of arguments: write header <field> <text>")
			}
			f.Headers = append(f.Headers, FetcherHeader{Field: values[0], Text: values[1]})
		default:
			return d.Errf("unrecognized subdirective '%s' of fetcher: write user_agent, header or network", option)
		}
	}
	if _, err := f.rule(); err != nil {
		return d.WrapErr(err)
	}
	h.Fetchers = append(h.Fetchers, f)
	return nil
}

// unmarshalOneOf reads an option that takes one of some words.
func unmarshalOneOf(d *caddyfile.Dispenser, target *string, words ...string) error {
	option := d.Val()
	if *target != "" {
		return d.Errf("%s already specified", option)
	}
	args, err := arguments(d, 1, 1, option+" "+strings.Join(words, "|"))
	if err != nil {
		return err
	}
	*target = args[0]
	if err := checkOneOf(option, args[0], words...); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func checkOneOf(option, value string, words ...string) error {
	if !slices.Contains(words, value) {
		return fmt.Errorf("%s is '%s': write %s", option, value, strings.Join(words, " or "))
	}
	return nil
}
