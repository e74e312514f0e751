// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// EventType reads the event type that a flag names.
func EventType(cmd *cobra.Command) (pixel.Type, error) {
	name, _ := cmd.Flags().GetString("type")
	typ := pixel.ParseType(name)
	if typ == pixel.NoType {
		var known []string
		for _, typ := range pixel.Types() {
			known = append(known, typ.String())
		}
		return typ, fmt.Errorf("--type %q is no event type: write %s", name, strings.Join(known, ", "))
	}
	return typ, nil
}
