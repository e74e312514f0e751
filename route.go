// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// prefixes are the path prefixes without their trailing slash, longest first.
type prefixes []string

func newPrefixes(configured []string) (prefixes, error) {
	var list prefixes
	for _, prefix := range configured {
		if err := checkPrefix(prefix); err != nil {
			return nil, err
		}
		trimmed := strings.TrimSuffix(prefix, "/")
		if slices.Contains(list, trimmed) {
			return nil, fmt.Errorf("path_prefix %s is specified twice", prefix)
		}
		list = append(list, trimmed)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return list, nil
}

func checkPrefix(prefix string) error {
	if !strings.HasPrefix(prefix, "/") {
		return fmt.Errorf("path_prefix %q must begin with a slash", prefix)
	}
	if strings.ContainsAny(prefix, "*?#{}% ") || strings.Contains(prefix, "//") {
		return fmt.Errorf("path_prefix %q must be a plain path, such as /v1/pixel: no wildcard, placeholder, query, escape or double slash", prefix)
	}
	if path.Clean(prefix) != strings.TrimSuffix(prefix, "/") && prefix != "/" {
		return fmt.Errorf("path_prefix %q must not hold dots for folders: write %s", prefix, path.Clean(prefix))
	}
	return nil
}

// route finds the event type of a path, and whether the path is under a prefix
// at all. Like Caddy's path matcher it takes repeated slashes for one, which
// templates produce when they join a host and a path.
func (p prefixes) route(path string) (typ pixel.Type, under bool) {
	if strings.Contains(path, "//") {
		path = mergeSlashes(path)
	}
	for _, prefix := range p {
		rest, found := strings.CutPrefix(path, prefix)
		if !found || rest != "" && rest[0] != '/' {
			continue
		}
		return parseType(strings.TrimPrefix(rest, "/")), true
	}
	return pixel.NoType, false
}

// parseType finds the event type in what stands behind a prefix: without a slash at its
// end, the path parameters that some servers append to every URL, and the suffix of an
// image on which some tools insist.
func parseType(element string) pixel.Type {
	element, parameters, _ := strings.Cut(element, ";")
	element = strings.TrimSuffix(element, "/")
	if strings.Contains(strings.TrimSuffix(parameters, "/"), "/") {
		return pixel.NoType // another path goes on behind the parameter
	}
	if dot := strings.LastIndexByte(element, '.'); dot > 0 {
		switch strings.ToLower(element[dot:]) {
		case ".gif", ".png", ".jpg", ".jpeg":
			element = element[:dot]
		}
	}
	return pixel.ParseType(element)
}

// mergeSlashes makes one slash of several, but for those at the end, of which
// only one may follow an event type.
func mergeSlashes(path string) string {
	inner := strings.TrimRight(path, "/")
	var b strings.Builder
	for i := range len(inner) {
		if inner[i] != '/' || i == 0 || inner[i-1] != '/' {
			b.WriteByte(inner[i])
		}
	}
	return b.String() + path[len(inner):]
}
