// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("segment_pixel", parseGlobalOption)
}

// parseGlobalOption turns the global option segment_pixel into the configuration of
// the app.
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // consume the option name, so that the error has its line
		return nil, d.Err("the global option segment_pixel is already specified: put all into one block")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "segment_pixel", Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile sets up the app from Caddyfile tokens. Syntax:
//
//	segment_pixel {
//		recent          <number>|off
//		payloads        full|redacted|off
//		max_backlog_age <duration>
//		builder_seals   on|off
//	}
//
// It is a global option, about what the admin endpoint shows of all handlers. The
// defaults are recent 500, payloads full, max_backlog_age 5m and builder_seals off.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume option name
	if d.NextArg() {
		return d.Errf("the global option segment_pixel takes no argument, but a block: unexpected '%s'", d.Val())
	}
	for d.NextBlock(0) {
		if err := a.unmarshalOption(d); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) unmarshalOption(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "recent":
		return a.unmarshalRecent(d)
	case "payloads":
		if a.Payloads != "" {
			return d.Err("payloads already specified")
		}
		args, err := arguments(d, 1, 1, "payloads full|redacted|off")
		if err != nil {
			return err
		}
		a.Payloads = args[0]
		if err := watch.CheckPayloads(a.Payloads); err != nil {
			return d.WrapErr(err)
		}
		return nil
	case "max_backlog_age":
		return a.unmarshalMaxBacklogAge(d)
	case "builder_seals":
		return unmarshalOneOf(d, &a.BuilderSeals, builderSealsOn, builderSealsOff)
	}
	if slices.Contains(handlerOptions, d.Val()) {
		return d.Errf("'%s' is an option of the directive segment_pixel, which stands in the block of a site; the global option has recent, payloads, max_backlog_age and builder_seals", d.Val())
	}
	return d.Errf("unrecognized subdirective '%s' of the global option segment_pixel: write recent, payloads, max_backlog_age or builder_seals", d.Val())
}

func (a *App) unmarshalRecent(d *caddyfile.Dispenser) error {
	if a.Recent != 0 {
		return d.Err("recent already specified")
	}
	args, err := arguments(d, 1, 1, "recent <number>|off")
	if err != nil {
		return err
	}
	if args[0] == "off" {
		a.Recent = -1
		return nil
	}
	a.Recent, err = strconv.Atoi(args[0])
	if err != nil || a.Recent < 1 || a.Recent > maxRecent {
		return d.Errf("recent is '%s': write a number from 1 to %d, or off", args[0], maxRecent)
	}
	return nil
}

func (a *App) unmarshalMaxBacklogAge(d *caddyfile.Dispenser) error {
	if a.MaxBacklogAge != 0 {
		return d.Err("max_backlog_age already specified")
	}
	args, err := arguments(d, 1, 1, "max_backlog_age <duration>")
	if err != nil {
		return err
	}
	age, err := caddy.ParseDuration(args[0])
	if err != nil || age <= 0 {
		return d.Errf("max_backlog_age is '%s': write a duration such as 5m", args[0])
	}
	a.MaxBacklogAge = caddy.Duration(age)
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*App)(nil)
