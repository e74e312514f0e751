// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/offline"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
)

const long = `
Works on the NATS KV bucket of the option suppress: who is in it has withdrawn
consent, and nothing of an event of theirs is published or kept. A change takes
effect within a second, on every server that follows the bucket.

A person is known by a kind and a value: user and the userId, anon and the
anonymousId, or email and an e-mail address. The bucket has nothing but SHA-256
digests of the values, so it names nobody, and a list of it does not either.

    $ caddy segment-pixel suppress add email jane@example.com
    $ caddy segment-pixel suppress import user withdrawn.csv --column user_id

The bucket and the way to it are those of the configuration: that of --config, or of
the Caddyfile in the current folder, or of the Caddy that runs. If it names several,
--bucket chooses. Make the bucket first, with the NATS CLI:

    $ nats kv add withdrawn

Exit status: 0; 4 if check finds somebody on the list, or import leaves lines out;
1 if the command could not be run.`

// New makes the verb suppress.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppress",
		Short: "Works on the list of those who have withdrawn consent",
		Long:  long,
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.StringP("config", "c", "", "Configuration file")
	flags.StringP("adapter", "a", "", "Name of config adapter to apply")
	flags.String("address", "", "The address of the admin API of the Caddy that runs, to take its configuration")
	flags.String("bucket", "", "Which bucket, if the configuration names several")
	flags.Bool("json", false, "Print the result as JSON")
	cmd.AddCommand(newAdd(), newRemove(), newCheck(), newImport(), newList())
	return cmd
}

func subcommand(use, short, long string, args cobra.PositionalArgs, run func(ctx context.Context, cmd *cobra.Command, b *suppress.Bucket, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		RunE: cli.Run(func(cmd *cobra.Command, args []string) error {
			ctx, stop := cli.Interruptible(cmd)
			defer stop()
			b, err := reach(ctx, cmd)
			if err != nil {
				return err
			}
			defer b.Close()
			return run(ctx, cmd, b, args)
		}),
	}
}

// reach connects to the bucket of the configuration.
func reach(ctx context.Context, cmd *cobra.Command) (*suppress.Bucket, error) {
	flags := cmd.Flags()
	file, _ := flags.GetString("config") // All are defined above.
	adapter, _ := flags.GetString("adapter")
	address, _ := flags.GetString("address")
	wanted, _ := flags.GetString("bucket")
	config, _, err := offline.Find(ctx, file, adapter, address)
	if err != nil {
		return nil, err
	}
	defer config.Release()
	if err := offline.Require(config.Handlers, "suppress"); err != nil {
		return nil, err
	}
	var names []string
	var open func(context.Context) (*suppress.Bucket, error)
	for _, h := range config.Handlers {
		list := h.Suppress()
		if list == nil || wanted != "" && list.Bucket != wanted || slices.Contains(names, list.Bucket) {
			continue
		}
		names, open = append(names, list.Bucket), list.Open
	}
	switch {
	case open == nil && wanted != "":
		return nil, fmt.Errorf("no handler of the configuration has suppress %s", wanted)
	case open == nil:
		return nil, errors.New("no handler of the configuration has the option suppress")
	case len(names) > 1:
		return nil, fmt.Errorf("the configuration names several buckets: choose one of %s with --bucket", strings.Join(names, ", "))
	}
	return open(ctx)
}
