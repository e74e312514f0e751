// SPDX-License-Identifier: Apache-2.0

package args

import (
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// Checked reads the one argument of an option that may stand once.
func Checked(d *caddyfile.Dispenser, usage string, target *string, check func(string) error) error {
	if err := Strings(d, usage, target); err != nil {
		return err
	}
	if err := check(*target); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// Duration reads the duration that an option has as its one argument.
func Duration(d *caddyfile.Dispenser, target *caddy.Duration) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := Strings(d, "<duration>", &text); err != nil {
		return err
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil || duration <= 0 {
		return d.Errf("%s is '%s': write a positive duration such as 5s or 2m", name, text)
	}
	*target = caddy.Duration(duration)
	return nil
}

// Size reads a size in bytes, which may have a unit.
func Size(d *caddyfile.Dispenser, target *int64) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := Strings(d, "<size>", &text); err != nil {
		return err
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || size == 0 || size > 1<<62 {
		return d.Errf("%s is '%s': write a size such as 10GiB", name, text)
	}
	*target = int64(size)
	return nil
}

// Int reads a whole number.
func Int(d *caddyfile.Dispenser, target *int) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := Strings(d, "<number>", &text); err != nil {
		return err
	}
	number, err := strconv.Atoi(text)
	if err != nil || number <= 0 {
		return d.Errf("%s is '%s': write a positive number", name, text)
	}
	*target = number
	return nil
}

// Strings sets as many values as there are arguments to an option
// that may be given once.
func Strings(d *caddyfile.Dispenser, usage string, values ...*string) error {
	name := d.Val()
	for _, value := range values {
		if *value != "" {
			return d.Errf("%s already specified", name)
		}
	}
	args, err := Arguments(d, usage)
	if err != nil {
		return err
	}
	for i, arg := range args {
		*values[i] = arg
	}
	return nil
}

// Arguments returns the arguments that usage calls for, one or more if it ends
// in dots. It never shows an argument, which may be a secret.
func Arguments(d *caddyfile.Dispenser, usage string) ([]string, error) {
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
