// SPDX-License-Identifier: Apache-2.0

package watch

// What is shown of the payloads of requests.
const (
	PayloadsFull     = "full"
	PayloadsRedacted = "redacted" // the names of fields without their values
	PayloadsOff      = "off"
)

// Shown is the mode for somebody who may want no values: what the configuration hides
// stays hidden.
func Shown(mode string, redact bool) string {
	if redact && mode == PayloadsFull {
		return PayloadsRedacted
	}
	return mode
}
