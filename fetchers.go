// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/args"
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
		return address.Prefix(address.BitLen())
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix.Masked(), err
}

func (h *Handler) unmarshalFetcher(d *caddyfile.Dispenser) error {
	values, err := args.Line(d, "<kind> [<by>]")
	if err != nil {
		return err
	}
	f := Fetcher{Kind: values[0]}
	if len(values) == 2 {
		f.By = values[1]
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := f.unmarshalOption(d); err != nil {
			return err
		}
	}
	if _, err := f.rule(); err != nil {
		return d.WrapErr(err)
	}
	h.Fetchers = append(h.Fetchers, f)
	return nil
}

func (f *Fetcher) unmarshalOption(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "user_agent":
		values, err := args.Arguments(d, "<text...>")
		f.UserAgents = append(f.UserAgents, values...)
		return err
	case "network":
		values, err := args.Arguments(d, "<cidr...>")
		f.Networks = append(f.Networks, values...)
		return err
	case "header":
		var header FetcherHeader
		err := args.Strings(d, "<field> <text>", &header.Field, &header.Text)
		f.Headers = append(f.Headers, header)
		return err
	}
	return d.Errf("unrecognized subdirective '%s' of fetcher: write user_agent, header or network", d.Val())
}
