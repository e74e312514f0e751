// SPDX-License-Identifier: Apache-2.0

package sequence

// maxSpans bounds what is remembered of failed commits. Beyond, the oldest is
// forgotten, and may be handed out although its caller was told that it failed.
const maxSpans = 1024

// Span is the sequences after one up to and including another.
type Span struct {
	After, Last uint64
}

// Spans are in order and do not overlap.
type Spans []Span

// Add takes a span behind the others.
func (s *Spans) Add(next Span) {
	if n := len(*s); n > 0 && (*s)[n-1].Last == next.After {
		(*s)[n-1].Last = next.Last
		return
	}
	if len(*s) == maxSpans {
		*s = (*s)[1:]
	}
	*s = append(*s, next)
}

// Has tells whether a sequence is in one of them.
func (s *Spans) Has(sequence uint64) bool {
	for _, one := range *s {
		if one.After < sequence && sequence <= one.Last {
			return true
		}
	}
	return false
}

// Within counts the sequences that lie in a wider span.
func (s *Spans) Within(wide Span) uint64 {
	var n uint64
	for _, one := range *s {
		after, last := max(one.After, wide.After), min(one.Last, wide.Last)
		if after < last {
			n += last - after
		}
	}
	return n
}

// Forget drops what lies at or before a sequence.
func (s *Spans) Forget(sequence uint64) {
	for len(*s) > 0 && (*s)[0].Last <= sequence {
		*s = (*s)[1:]
	}
}
