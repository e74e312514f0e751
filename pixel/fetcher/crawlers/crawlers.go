// SPDX-License-Identifier: Apache-2.0

// Package crawlers knows the user agents of crawlers. The list is that of
// github.com/x-way/crawlerdetect, which has it from github.com/JayBizzle/Crawler-Detect;
// both are under the MIT license, see LICENSE.txt. That package compiles its list when a
// program starts, also where nobody asks, such as in caddy version. This one compiles it
// when it is first asked. A test compares the list with that of the version in go.mod.
package crawlers

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"
)

// The lists have a regular expression a line.
var (
	//go:embed crawlers.txt
	crawlers string
	//go:embed exclusions.txt
	exclusions string
)

// list is what makes an agent one of a crawler, and what is left out before that is
// looked for: the usual words of browsers.
type list struct{ crawlers, exclusions *regexp.Regexp }

var compiled = sync.OnceValue(func() list { return list{anyOf(crawlers), anyOf(exclusions)} })

func anyOf(lines string) *regexp.Regexp {
	return regexp.MustCompile("(?i)(?:" + strings.ReplaceAll(strings.TrimSuffix(lines, "\n"), "\n", "|") + ")")
}

// Load compiles the list, for those who will ask in a hurry.
func Load() { compiled() }

// Has tells whether a user agent is that of a crawler. It takes about 0.25 ms.
func Has(agent string) bool {
	l := compiled()
	return l.crawlers.MatchString(l.exclusions.ReplaceAllString(strings.TrimSpace(agent), ""))
}
