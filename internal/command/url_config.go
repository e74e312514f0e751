// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
)

// urlPlace is where a pixel is sent to, and who decodes it there.
type urlPlace struct {
	base, prefix string
	writeKey     string // that of the configuration; empty if the flags have one
	handler      handlers.Handler
}

// placeOf takes from the flags, and what they lack from a configuration, if one is named.
func placeOf(cmd *cobra.Command) (urlPlace, error) {
	flags := cmd.Flags()
	var p urlPlace
	p.base, _ = flags.GetString("base")
	p.prefix, _ = flags.GetString("path-prefix")
	source, _ := flags.GetString("source")
	file, _ := flags.GetString("config")
	adapter, _ := flags.GetString("adapter")
	var sourceOf func(string) (string, bool)
	if file != "" {
		all, release, err := offline.FindHandlers(cmd.Context(), file, adapter, "")
		if err != nil {
			return p, err
		}
		defer release()
		if sourceOf, err = p.configure(all, source, flags.Changed("path-prefix"), flags.Changed("write-key")); err != nil {
			return p, err
		}
	} else if source != "" {
		return p, errors.New("--source is of use with --config alone, whose key of that source it takes")
	}
	if p.base == "" {
		return p, errors.New("--base is missing: name the address of the site, such as https://example.com, or the configuration with --config")
	}
	h, err := handlers.Offline(handlers.Pixels{PathPrefixes: []string{p.prefix}})
	if err != nil {
		return p, fmt.Errorf("--path-prefix: %w", err)
	}
	if sourceOf != nil {
		h.Decoder().Source = sourceOf
	}
	p.handler = h
	return p, nil
}

// configure fills in what is not given from the handler that fits: the one of the host, and
// of the source. It returns how that one knows write keys.
func (p *urlPlace) configure(all []offline.Handler, source string, hasPrefix, hasKey bool) (func(string) (string, bool), error) {
	if site, err := url.Parse(p.base); err == nil && p.base != "" {
		all = offline.OfSite(all, site.Hostname())
	}
	for i := range all {
		h := &all[i]
		if err := h.Load(); err != nil {
			return nil, err
		}
		if source != "" && !slices.Contains(h.Keys().Names(), source) {
			continue
		}
		if bases := h.Bases(); p.base == "" && len(bases) > 0 {
			p.base = bases[0]
		}
		if !hasPrefix {
			p.prefix = h.PublicPaths()[0]
		}
		if !hasKey {
			if err := offline.Require(all[i:i+1], offline.KeyFiles); err != nil {
				return nil, err
			}
			key, err := keyOf(h, source)
			if err != nil {
				return nil, err
			}
			p.writeKey = key
		}
		return h.Keys().Source, nil
	}
	return nil, fmt.Errorf("no handler of the configuration has a write key of the source %s", source)
}

// keyOf returns the key of a source, or the only one.
func keyOf(h *offline.Handler, source string) (string, error) {
	known, err := h.Keys().Read()
	if err != nil {
		return "", err
	}
	names := h.Keys().Names()
	if source == "" && len(names) == 1 {
		source = names[0]
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if known[key] != source || source == "" {
			continue
		}
		if offline.IsUnknown(key) {
			return "", fmt.Errorf("the key of %s comes from %s, which is not set here: give it with --write-key, or %s", source, strings.Join(h.Unset, ", "), offline.AsService)
		}
		return key, nil
	}
	return "", fmt.Errorf("the handler has several sources: choose one of %s with --source, or name a --write-key", strings.Join(names, ", "))
}
