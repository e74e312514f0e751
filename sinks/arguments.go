// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"strconv"

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
