// SPDX-License-Identifier: Apache-2.0

package command

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
)

// NewKey makes the verb key.
func NewKey() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key [--alg A256GCM|HS256] [--kid <id>] [--source <name>] [--append <file>]",
		Short: "Makes a key for sealed pixels",
		Long: `
Prints a JWK set with a new key, for the option seal of the handler. Keep it secret:
who has it can make pixels that the site believes.

A key of A256GCM hides what is in a pixel, and protects it; one of HS256 protects it.
Events that are sealed with a key that has a source need no write key.

    $ umask 077; caddy segment-pixel key --source newsletter >seals.jwks

With --append, the keys of a file are printed behind the new one, which is the one
that url --seal takes then. To rotate keys, put that into the place of the file, and
take the old key out when no mail with it is opened any more.

Exit status: 0; 1 if there is no key to print.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.String("alg", seal.A256GCM, "The algorithm: A256GCM or HS256")
	flags.String("kid", "", "The id of the key; by default one is made up")
	flags.String("source", "", "The source of the events that it seals")
	flags.String("append", "", "A file with keys to print behind the new one")
	cmd.RunE = cli.Run(runKey)
	return cmd
}

func runKey(cmd *cobra.Command, _ []string) error {
	flags := cmd.Flags()
	alg, _ := flags.GetString("alg") // All are defined above.
	kid, _ := flags.GetString("kid")
	source, _ := flags.GetString("source")
	file, _ := flags.GetString("append")
	if kid == "" {
		kid = uuid.NewString()[:8]
	}
	key, err := seal.NewKey(kid, alg, source)
	if err != nil {
		return err
	}
	set := &seal.Set{Keys: []seal.Key{*key}}
	if file != "" {
		before, err := seal.ReadSet(file)
		if err != nil {
			return err
		}
		set.Keys = append(set.Keys, before.Keys...)
	}
	text, err := json.MarshalIndent(set, "", "\t")
	if err != nil {
		return err
	}
	if _, err := seal.ParseSet(text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return err
}
