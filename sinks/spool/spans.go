// SPDX-License-Identifier: Apache-2.0

package spool

// span is the sequences after one up to and including another.
type span struct {
	after, last uint64
}

// maxSpans bounds what is remembered of failed commits. Beyond, the oldest is
// forgotten, and may be handed out although its caller was told that it failed.
const maxSpans = 1024

// spans are in order and do not overlap.
type spans []span

// add takes a span behind the others.
func (s *spans) add(next span) {
	if n := len(*s); n > 0 && (*s)[n-1].last == next.after {
		(*s)[n-1].last = next.last
		return
	}
	if len(*s) == maxSpans {
		*s = (*s)[1:]
	}
	*s = append(*s, next)
}

// within counts the sequences that lie in a wider span.
func (s spans) within(wide span) (n uint64) {
	for _, one := range s {
		after, last := max(one.after, wide.after), min(one.last, wide.last)
		n += max(last, after) - after
	}
	return n
}

// forget drops what lies at or before a sequence.
func (s *spans) forget(sequence uint64) {
	for len(*s) > 0 && (*s)[0].last <= sequence {
		*s = (*s)[1:]
	}
}
