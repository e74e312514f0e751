// SPDX-License-Identifier: Apache-2.0

package watch

import "fmt"

// What is shown of the payloads of requests.
const (
	PayloadsFull     = "full"
	PayloadsRedacted = "redacted" // the names of fields without their values
	payloadsOff      = "off"
)

// CheckPayloads tells what is wrong with a mode.
func CheckPayloads(mode string) error {
	switch mode {
	case PayloadsFull, PayloadsRedacted, payloadsOff:
		return nil
	}
	return fmt.Errorf("payloads is %q: write full, redacted or off", mode)
}

// Shown is the mode for somebody who may want no values: what the configuration hides
// stays hidden.
func Shown(mode string, redact bool) string {
	if redact && mode == PayloadsFull {
		return PayloadsRedacted
	}
	return mode
}
