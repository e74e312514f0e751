// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"
)

// Print writes a value as JSON if --json asks for that, or else a text.
func Print(cmd *cobra.Command, value any, text string) error {
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON { // It is defined by whoever calls this.
		return PrintJSON(cmd.OutOrStdout(), value, "")
	}
	_, err := io.WriteString(cmd.OutOrStdout(), text)
	return err
}

// PrintJSON writes a value as people may read it, on one line unless there is an indent.
func PrintJSON(out io.Writer, value any, indent string) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	return encoder.Encode(value)
}
