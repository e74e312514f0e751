// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

const (
	stepWidth = 11 // that of the longest name of a step
)

// stepIndent is where the details of steps stand.
var stepIndent = strings.Repeat(" ", len("FAILED  ")+stepWidth+2)

// print writes an explanation for people to read.
func (e *explainer) print(x *pixel.Explanation) error {
	var b strings.Builder
	e.writeSteps(&b, x.Steps, "")
	b.WriteByte('\n')
	if x.Rejected() {
		b.WriteString(e.paint.Text(terminal.Red, terminal.Wrapped("rejected: "+x.Reason+": "+terminal.Printable(x.Detail), "")) + terminal.Wrapped(x.Hint, ""))
	} else {
		fmt.Fprintf(&b, "accepted: %s, messageId %s", x.Type, terminal.Printable(x.MessageID))
		if x.Source != "" {
			b.WriteString(", source " + x.Source)
		}
		b.WriteByte('\n')
	}
	for _, name := range x.Repairs {
		b.WriteString(terminal.Wrapped("mended: "+name+": "+pixel.RepairHint(name), ""))
	}
	if !e.checksKeys && explains(x, pixel.StepWriteKey) {
		b.WriteString(terminal.Wrapped("The write key was not compared with any: name a configuration with --config to check it.", ""))
	}
	if x.Event != nil {
		b.WriteString("\n" + indented(x.Event) + "\n")
	}
	_, err := io.WriteString(e.out, b.String())
	return err
}

// explains tells whether an explanation got as far as a step.
func explains(x *pixel.Explanation, name string) bool {
	for _, step := range x.Steps {
		if step.Name == name {
			return true
		}
	}
	return false
}

// writeSteps writes a line for each step, longer ones wrapped, with its excerpt
// below.
func (e *explainer) writeSteps(b *strings.Builder, steps []pixel.Step, indent string) {
	for _, step := range steps {
		mark := "ok"
		if !step.OK {
			mark = "FAILED"
		}
		head := fmt.Sprintf("%-6s  %-*s  ", mark, stepWidth, step.Name)
		text := terminal.Wrapped(terminal.Printable(step.Detail), indent+stepIndent)
		said := head + strings.TrimPrefix(text, indent+stepIndent)
		if !step.OK {
			said = e.paint.Text(terminal.Red, said)
		}
		b.WriteString(indent + said)
		if step.Text != "" {
			b.WriteString(indent + stepIndent + terminal.Printable(step.Text) + "\n")
		}
	}
}

// indented formats the JSON of an event, with its odd characters escaped line by
// line.
func indented(event json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, event, "", "  "); err != nil {
		return terminal.Printable(string(event))
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = terminal.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
