// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import "fmt"

// What is shown of the payloads of requests.
const (
	payloadsFull     = "full"
	payloadsRedacted = "redacted" // the names of fields without their values
	payloadsOff      = "off"
)

// checkPayloads tells what is wrong with a mode.
func checkPayloads(mode string) error {
	switch mode {
	case payloadsFull, payloadsRedacted, payloadsOff:
		return nil
	}
	return fmt.Errorf("payloads is %q: write full, redacted or off", mode)
}
