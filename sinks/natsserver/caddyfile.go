// SPDX-License-Identifier: Apache-2.0

package natsserver

import (
	"math"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/dustin/go-humanize"
)

// parseGlobalOption turns the global option segment_pixel_nats into the
// configuration of the app.
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // consume the option name, so that the error has its line
		return nil, d.Errf("%s is already specified: a process runs one embedded NATS server, put its options into one block", appID)
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: appID, Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile sets up the app from Caddyfile tokens. Syntax:
//
//	segment_pixel_nats {
//		listen      <host:port>
//		store_dir   <directory>
//		max_memory  <size>
//		max_storage <size>
//		max_payload <size>
//		token       <token>
//	}
//
// Every option may be left out, and the block with them. A size is a number
// with a unit, such as 512MiB. The defaults are listen 127.0.0.1:4222,
// store_dir segment_pixel/nats in Caddy's data directory, max_memory 256MiB,
// max_storage 10GiB, max_payload 1MiB and no token.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the option name
	if d.NextArg() {
		return d.Errf("unexpected argument '%s': %s takes its options in a block, such as { listen %s }",
			d.Val(), appID, defaultListen)
	}

	seen := make(map[string]bool)
	for d.NextBlock(0) {
		name := d.Val()
		if seen[name] {
			return d.Errf("%s is already specified: keep one of the two lines", name)
		}
		seen[name] = true

		var err error
		switch name {
		case "listen":
			err = parseListen(d, &a.Listen)
		case "store_dir":
			a.StoreDir, err = parseValue(d, "a directory, such as /var/lib/caddy/nats")
		case "max_memory":
			a.MaxMemory, err = parseSize(d, "256MiB", math.MaxInt64)
		case "max_storage":
			a.MaxStorage, err = parseSize(d, "10GiB", math.MaxInt64)
		case "max_payload":
			a.MaxPayload, err = parseSize(d, "1MiB", maxMaxPayload)
		case "token":
			a.Token, err = parseValue(d, "a token, such as {env.NATS_TOKEN}")
		default:
			err = d.Errf("unrecognized option '%s': write listen, store_dir, max_memory, max_storage, max_payload or token", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parseValue reads the single argument of the current option. want says what
// the argument should be. The message for a surplus argument leaves the text
// out, since it may be a part of a token.
func parseValue(d *caddyfile.Dispenser, want string) (string, error) {
	option := d.Val()
	if !d.NextArg() || d.Val() == "" {
		return "", d.Errf("%s needs a value: write %s", option, want)
	}
	value := d.Val()
	if d.NextArg() {
		return "", d.Errf("%s takes one value: write %s, in quotes if it contains spaces", option, want)
	}
	if d.NextBlock(d.Nesting()) {
		return "", d.Errf("%s takes no block: write %s", option, want)
	}
	return value, nil
}

func parseListen(d *caddyfile.Dispenser, listen *string) error {
	value, err := parseValue(d, "host:port, for example "+defaultListen)
	if err != nil {
		return err
	}
	// A placeholder has its value only when the app is provisioned.
	if !strings.Contains(value, "{") {
		if _, _, err := splitListen(value); err != nil {
			return d.Err(err.Error())
		}
	}
	*listen = value
	return nil
}

func parseSize(d *caddyfile.Dispenser, example string, most uint64) (int64, error) {
	option := d.Val()
	value, err := parseValue(d, "a size, such as "+example)
	if err != nil {
		return 0, err
	}
	size, err := humanize.ParseBytes(value)
	if err != nil || size == 0 {
		return 0, d.Errf("%s '%s' is not a size: write a number above zero with a unit, such as %s", option, value, example)
	}
	if size > most {
		return 0, d.Errf("%s '%s' is too large: write at most %s", option, value, humanize.IBytes(most))
	}
	return int64(size), nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*App)(nil)
