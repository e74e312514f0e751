// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"bytes"
	"strings"
	"sync"
)

// journal takes what a process and its successors write to standard error. They
// write into a pipe, which a limit on file sizes does not concern.
type journal struct {
	mu    sync.Mutex
	open  []byte // a line that has not ended yet
	lines []string
}

func (j *journal) Write(text []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open = append(j.open, text...)
	for {
		line, rest, found := bytes.Cut(j.open, []byte("\n"))
		if !found {
			return len(text), nil
		}
		j.lines = append(j.lines, string(line))
		j.open = rest
	}
}

// endProcess ends a line that the process was killed in.
func (j *journal) endProcess() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.open) > 0 {
		j.lines = append(j.lines, string(j.open))
		j.open = nil
	}
}

// since returns the lines but for the first ones.
func (j *journal) since(first int) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines[min(first, len(j.lines)):len(j.lines):len(j.lines)]
}

// count returns how many lines hold the text.
func (j *journal) count(text string) int {
	n := 0
	for _, line := range j.since(0) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// tail returns the last lines as one text.
func (j *journal) tail(lines int) string {
	all := j.since(0)
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
