// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// unmarshalChecked reads the one argument of an option that may stand once.
func unmarshalChecked(d *caddyfile.Dispenser, usage string, target *string, check func(string) error) error {
	if err := unmarshalStrings(d, usage, target); err != nil {
		return err
	}
	if err := check(*target); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func unmarshalDuration(d *caddyfile.Dispenser, target *caddy.Duration) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := unmarshalStrings(d, "<duration>", &text); err != nil {
		return err
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil || duration <= 0 {
		return d.Errf("%s is '%s': write a positive duration such as 5s or 2m", name, text)
	}
	*target = caddy.Duration(duration)
	return nil
}

func unmarshalSize(d *caddyfile.Dispenser, target *int64) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := unmarshalStrings(d, "<size>", &text); err != nil {
		return err
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || size == 0 || size > 1<<62 {
		return d.Errf("%s is '%s': write a size such as 10GiB", name, text)
	}
	*target = int64(size)
	return nil
}

func unmarshalInt(d *caddyfile.Dispenser, target *int) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := unmarshalStrings(d, "<number>", &text); err != nil {
		return err
	}
	number, err := strconv.Atoi(text)
	if err != nil || number <= 0 {
		return d.Errf("%s is '%s': write a positive number", name, text)
	}
	*target = number
	return nil
}

// unmarshalStrings sets as many values as there are arguments to an option
// that may be given once.
func unmarshalStrings(d *caddyfile.Dispenser, usage string, values ...*string) error {
	name := d.Val()
	for _, value := range values {
		if *value != "" {
			return d.Errf("%s already specified", name)
		}
	}
	args, err := optionArgs(d, usage)
	if err != nil {
		return err
	}
	for i, arg := range args {
		*values[i] = arg
	}
	return nil
}

// optionArgs returns the arguments that usage calls for, one or more if it ends
// in dots. It never shows an argument, which may be a secret.
func optionArgs(d *caddyfile.Dispenser, usage string) ([]string, error) {
	name := d.Val()
	written := strings.TrimSpace(name + " " + usage)
	args := d.RemainingArgs()
	want := len(strings.Fields(usage))
	if len(args) != want && (!strings.HasSuffix(usage, "...>") || len(args) == 0) {
		return nil, d.Errf("%s has %d arguments: write it as '%s'", name, len(args), written)
	}
	if slices.Contains(args, "") {
		return nil, d.Errf("%s has an empty argument: write it as '%s'", name, written)
	}
	last := d.Val()
	if d.NextBlock(d.Nesting()) || d.Val() != last { // the latter is the end of an empty block
		return nil, d.Errf("%s takes no block: write it as '%s'", name, written)
	}
	return args, nil
}
