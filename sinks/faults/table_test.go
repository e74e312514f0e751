// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"strings"
)

// table collects verdicts and prints them in Markdown, a table for each way of
// publishing.
type table struct {
	verdicts []verdict
}

func (t *table) add(v verdict) {
	t.verdicts = append(t.verdicts, v)
}

func (t *table) String() string {
	var text strings.Builder
	for _, w := range ways() {
		fmt.Fprintf(&text, "\n%s:\n\n", map[way]string{fast: "Batched fast publish", async: "Asynchronous publish"}[w])
		text.WriteString("| fault | answered | stored | lost | duplicated | dropped, says the log |\n|---|--:|--:|--:|--:|--:|\n")
		for _, v := range t.verdicts {
			if v.way == w {
				fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s |\n", v.fault, grouped(v.answered), grouped(v.stored),
					grouped(len(v.lost)), grouped(len(v.duplicated)), grouped(v.dropped))
			}
		}
	}
	return text.String()
}

// grouped writes a number with commas.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
