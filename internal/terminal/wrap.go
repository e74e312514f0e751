// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"strings"
	"unicode/utf8"
)

// lineWidth is how wide lines are, in characters.
const lineWidth = 100

// Wrapped breaks a text into lines at spaces, each with the indent in front.
func Wrapped(text, indent string) string {
	var b strings.Builder
	for text != "" {
		line := text
		if most := lineWidth - len(indent); utf8.RuneCountInString(text) > most {
			if end := strings.LastIndexByte(firstRunes(text, most+1), ' '); end > 0 {
				line = text[:end]
			} else if end := strings.IndexByte(text, ' '); end > 0 {
				line = text[:end]
			}
		}
		b.WriteString(indent + line + "\n")
		text = strings.TrimLeft(text[len(line):], " ")
	}
	return b.String()
}

func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
