// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// usage is what add, remove and check take.
const usage = " user|anon|email <value>..."

// result is what add, remove and import print.
type result struct {
	Added   int64   `json:"added,omitempty"`
	Removed int64   `json:"removed,omitempty"`
	Known   int64   `json:"known,omitempty"`    // were there already
	Absent  int64   `json:"absent,omitempty"`   // were not there
	LeftOut []int64 `json:"left_out,omitempty"` // numbers of lines that hold no such value
}

// keysOf are the keys of people who are named in arguments.
func keysOf(args []string) ([]string, error) {
	kind, err := suppress.ParseKind(args[0])
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(args)-1)
	for i, value := range args[1:] {
		if !isGood(kind, value) {
			return nil, fmt.Errorf("value %d is no %s: it is empty, or has no @", i+1, kind)
		}
		keys = append(keys, suppress.Key(kind, value))
	}
	return keys, nil
}

// isGood tells whether a value can name somebody.
func isGood(kind pixel.PersonKind, value string) bool {
	return strings.TrimSpace(value) != "" && (kind != pixel.PersonEmail || strings.Contains(value, "@"))
}

func newAdd() *cobra.Command {
	return subcommand("add"+usage, "Puts people onto the list", "Puts people onto the list. Who is there already stays as they are.", cobra.MinimumNArgs(2),
		func(ctx context.Context, cmd *cobra.Command, b *suppress.Bucket, args []string) error {
			added, known, err := change(args, func(key string) (bool, error) { return b.Add(ctx, key, time.Now()) })
			if err != nil {
				return err
			}
			r := result{Added: added, Known: known}
			return cli.Print(cmd, r, fmt.Sprintf("%d added, %d were there already\n", r.Added, r.Known))
		})
}

func newRemove() *cobra.Command {
	return subcommand("remove"+usage, "Takes people off the list", "Takes people off the list: their events are published again.", cobra.MinimumNArgs(2),
		func(ctx context.Context, cmd *cobra.Command, b *suppress.Bucket, args []string) error {
			removed, absent, err := change(args, func(key string) (bool, error) { return b.Remove(ctx, key) })
			if err != nil {
				return err
			}
			r := result{Removed: removed, Absent: absent}
			return cli.Print(cmd, r, fmt.Sprintf("%d removed, %d were not there\n", r.Removed, r.Absent))
		})
}

// change does something to the key of each person, and counts where it changed the list.
func change(args []string, do func(key string) (changed bool, err error)) (changed, unchanged int64, err error) {
	keys, err := keysOf(args)
	if err != nil {
		return 0, 0, err
	}
	for _, key := range keys {
		done, err := do(key)
		if err != nil {
			return changed, unchanged, err
		}
		if done {
			changed++
		} else {
			unchanged++
		}
	}
	return changed, unchanged, nil
}

// checked is what check prints of each value.
type checked struct {
	Key        string     `json:"key"`
	Suppressed bool       `json:"suppressed"`
	Since      *time.Time `json:"since,omitempty"`
}

func newCheck() *cobra.Command {
	return subcommand("check"+usage, "Tells whether people are on the list",
		"Tells whether people are on the list, and since when.\n\nExit status: 0 if none is; 4 if somebody is; 1 if it could not be found out.", cobra.MinimumNArgs(2),
		func(ctx context.Context, cmd *cobra.Command, b *suppress.Bucket, args []string) error {
			keys, err := keysOf(args)
			if err != nil {
				return err
			}
			var end error
			for _, key := range keys {
				since, found, err := b.Since(ctx, key)
				if err != nil {
					return err
				}
				c, text := checked{Key: key, Suppressed: found}, key+" is not on the list"
				if found {
					end = cli.Exit(cli.ExitRejected)
					c.Since, text = &since, key+" is suppressed since "+since.Format(time.RFC3339)
				}
				if err := cli.Print(cmd, c, text+"\n"); err != nil {
					return err
				}
			}
			return end
		})
}

func newList() *cobra.Command {
	return subcommand("list", "Prints the keys of the list", "Prints the keys of the list, and since when each is there. They are digests, and name nobody.", cobra.NoArgs,
		func(ctx context.Context, cmd *cobra.Command, b *suppress.Bucket, _ []string) error {
			return b.List(ctx, func(key string, since time.Time, good bool) error {
				c, text := checked{Key: key, Suppressed: good, Since: &since}, key+"\t"+since.Format(time.RFC3339)
				if !good {
					text += "\tnames nobody: see caddy segment-pixel doctor"
				}
				return cli.Print(cmd, c, text+"\n")
			})
		})
}
