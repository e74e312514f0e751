// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// undeliverableTally counts what became of the events of a file.
type undeliverableTally struct {
	read, stored, before, withoutID, damaged uint64

	refusals []*refusal // by reason, in the order in which they came
	damages  []string   // the first of them
}

// refusal is a reason for which NATS does not store events.
type refusal struct {
	reason, subject string // the first subject
	line, events    uint64 // the first line
}

// maxDamages is how many damaged lines are named.
const maxDamages = 10

func (t *undeliverableTally) store(event *sinks.Undeliverable, before bool) {
	t.stored++
	if before {
		t.before++
	}
	if event.MessageID == "" {
		t.withoutID++
	}
}

func (t *undeliverableTally) damage(line uint64, cause error) {
	t.damaged++
	if len(t.damages) < maxDamages {
		t.damages = append(t.damages, fmt.Sprintf("line %d: %v", line, cause))
	}
}

func (t *undeliverableTally) refuse(line uint64, subject, reason string) {
	for _, known := range t.refusals {
		if known.reason == reason {
			known.events++
			return
		}
	}
	t.refusals = append(t.refusals, &refusal{reason: reason, subject: subject, line: line, events: 1})
}

func (t *undeliverableTally) notStored() uint64 {
	n := t.damaged
	for _, r := range t.refusals {
		n += r.events
	}
	return n
}

// summary tells what became of the events, and what may be done with the file.
func (r *undeliverableReplay) summary() string {
	var b strings.Builder
	t := &r.tally
	fmt.Fprintf(&b, "%s: %s read\n", r.name, terminal.Plural(int(t.read), "line"))
	if r.dry {
		fmt.Fprintf(&b, "%d would be published\n", t.stored)
	} else {
		fmt.Fprintf(&b, "%d stored", t.stored)
		if t.before > 0 {
			fmt.Fprintf(&b, ", %d of which had been before", t.before)
		}
		b.WriteByte('\n')
	}
	if t.withoutID > 0 {
		fmt.Fprintf(&b, "%d of them have no message id: whenever they are published, they are stored once more\n", t.withoutID)
	}
	for _, refusal := range t.refusals {
		fmt.Fprintf(&b, "%d still refused, the first in line %d (%s): %s\n",
			refusal.events, refusal.line, terminal.Printable(refusal.subject), terminal.Printable(refusal.reason))
	}
	if t.damaged > 0 {
		fmt.Fprintf(&b, "%d damaged: %s", t.damaged, strings.Join(t.damages, "; "))
		if t.damaged > uint64(len(t.damages)) {
			b.WriteString("; …")
		}
		b.WriteByte('\n')
	}
	b.WriteString(r.advice())
	return b.String()
}

// advice says what may be done with the file, which stays as it is.
func (r *undeliverableReplay) advice() string {
	switch {
	case r.next > 0:
		return fmt.Sprintf("to go on: --from-line %d\n", r.next)
	case r.dry:
		return ""
	case r.left == nil && r.tally.notStored() > 0:
		return "keep the file for what was not stored; --left <file> has that written to a file of its own\n"
	}
	text, where := "", ""
	if r.left != nil && r.left.lines > 0 {
		text = fmt.Sprintf("what was not stored is in %s\n", r.left.file.Name())
	}
	if r.from > 1 {
		where = fmt.Sprintf(" as far as it is about line %d and those after it", r.from)
	}
	if r.isOfSpool() {
		return text + fmt.Sprintf("%s may be moved away now%s; what Caddy may have added meanwhile begins with line %d\n", r.name, where, r.lines.number+1)
	}
	return text + fmt.Sprintf("%s may be removed now%s\n", r.name, where)
}
