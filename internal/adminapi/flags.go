// SPDX-License-Identifier: Apache-2.0

package adminapi

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// AddFlags are those of commands that ask a Caddy that runs.
func AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.String("address", "", "The address of the admin endpoint")
	flags.StringP("config", "c", "", "The configuration that has the address")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply")
}

// FromFlags returns a client for the admin endpoint that these flags say.
func FromFlags(cmd *cobra.Command) (*Client, error) {
	// Flags that are defined cannot fail to be read.
	address, _ := cmd.Flags().GetString("address")
	configFile, _ := cmd.Flags().GetString("config")
	adapter, _ := cmd.Flags().GetString("adapter")
	address, err := caddycmd.DetermineAdminAPIAddress(address, nil, configFile, adapter)
	if err != nil {
		return nil, err
	}
	return New(address)
}
