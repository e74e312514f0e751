// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// table collects verdicts and prints them in Markdown: a row for each fault, and in a
// cell what is found for each way of publishing, where they differ.
type table struct {
	mu   sync.Mutex
	rows []tableRow
}

type tableRow struct {
	fault string
	cells [][]string // by column and way
}

var tableColumns = []string{"fault", "answered", "stored", "lost", "doubled", "dropped, says the log"}

func (t *table) add(v verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.rows, func(r tableRow) bool { return r.fault == v.fault })
	if i < 0 {
		i = len(t.rows)
		t.rows = append(t.rows, tableRow{v.fault, make([][]string, len(tableColumns)-1)})
	}
	for column, n := range []int{v.answered, v.stored, len(v.lost), len(v.duplicated), v.dropped} {
		t.rows[i].cells[column] = append(t.rows[i].cells[column], grouped(n))
	}
}

func (t *table) String() string {
	var text strings.Builder
	text.WriteString("| " + strings.Join(tableColumns, " | ") + " |\n")
	text.WriteString("|---|" + strings.Repeat("--:|", len(tableColumns)-1) + "\n")
	for _, r := range t.rows {
		text.WriteString("| " + r.fault)
		for _, cell := range r.cells {
			text.WriteString(" | " + strings.Join(slices.Compact(cell), "<br>"))
		}
		text.WriteString(" |\n")
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
