// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// mostLeftOut bounds the numbers of lines that are named.
const mostLeftOut = 20

func newImport() *cobra.Command {
	cmd := subcommand("import user|anon|email [<file>] [--column <name>]", "Puts everybody of a file onto the list", `
Puts everybody of a file onto the list: one value a line or, with --column, that column
of CSV whose first line has the names. Without a file, or with -, it reads standard
input. Empty lines are skipped. Doing it again is harmless.

Exit status: 0; 4 if lines were left out because they hold no such value; 1 if it could
not be done to its end.`, cobra.RangeArgs(1, 2), runImport)
	cmd.Flags().String("column", "", "Read CSV, and take the column of this name")
	return cmd
}

func runImport(ctx context.Context, cmd *cobra.Command, b *suppress.Bucket, args []string) error {
	kind, err := suppress.ParseKind(args[0])
	if err != nil {
		return err
	}
	in := cmd.InOrStdin()
	if len(args) == 2 && args[1] != "-" {
		file, err := os.Open(args[1])
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	column, _ := cmd.Flags().GetString("column") // It is defined above.
	r, left, err := importAll(ctx, b, kind, in, column)
	text := fmt.Sprintf("%d added, %d were there already", r.Added, r.Known)
	if left > 0 {
		text += fmt.Sprintf(", %d lines left out that hold no %s: %s", left, kind, strings.Trim(fmt.Sprint(r.LeftOut), "[]"))
		if left > len(r.LeftOut) {
			text += " ..."
		}
	}
	if err := errors.Join(err, cli.Print(cmd, r, text+"\n")); err != nil {
		return err
	}
	if left > 0 {
		return cli.Exit(cli.ExitRejected)
	}
	return nil
}

// importAll tells what was done even if there is an error, since it was done.
func importAll(ctx context.Context, b *suppress.Bucket, kind pixel.PersonKind, in io.Reader, column string) (r result, left int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	keys := make(chan string)
	go func() {
		defer close(keys)
		read := eachLine
		if column != "" {
			read = func(in io.Reader, visit func(int64, string) error) error { return eachCell(in, column, visit) }
		}
		err := read(in, func(line int64, value string) error {
			if !isGood(kind, value) {
				if left++; left <= mostLeftOut {
					r.LeftOut = append(r.LeftOut, line)
				}
				return nil
			}
			select {
			case keys <- suppress.Key(kind, value):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		if err != nil {
			cancel(err)
		}
	}()
	added, known, err := b.AddAll(ctx, keys, time.Now())
	r.Added, r.Known = added, known
	return r, left, err
}

const byteOrderMark = "\ufeff"

func eachLine(in io.Reader, visit func(line int64, value string) error) error {
	scanner := bufio.NewScanner(in)
	for line := int64(1); scanner.Scan(); line++ {
		value := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), byteOrderMark))
		if value == "" {
			continue
		}
		if err := visit(line, value); err != nil {
			return err
		}
	}
	return scanner.Err()
}

func eachCell(in io.Reader, column string, visit func(line int64, value string) error) error {
	reader := csv.NewReader(in)
	reader.ReuseRecord = true
	names, err := reader.Read()
	if err != nil {
		return fmt.Errorf("reading the first line: %w", err)
	}
	at := slices.IndexFunc(names, func(name string) bool {
		return strings.TrimSpace(strings.TrimPrefix(name, byteOrderMark)) == column
	})
	if at < 0 {
		return fmt.Errorf("the first line has no column %s", column)
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		line, _ := reader.FieldPos(at)
		if value := strings.TrimSpace(record[at]); value != "" {
			if err := visit(int64(line), value); err != nil {
				return err
			}
		}
	}
}
