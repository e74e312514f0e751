// SPDX-License-Identifier: Apache-2.0

package natsserver

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/args"
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
	for d.NextBlock(0) {
		if err := a.unmarshalOption(d); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) unmarshalOption(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "listen":
		return args.Checked(d, "<host:port>", &a.Listen, checkListen)
	case "store_dir":
		return args.Strings(d, "<directory>", &a.StoreDir)
	case "max_memory":
		return args.Size(d, &a.MaxMemory)
	case "max_storage":
		return args.Size(d, &a.MaxStorage)
	case "max_payload":
		if err := args.Size(d, &a.MaxPayload); err != nil {
			return err
		}
		if err := checkMaxPayload(a.MaxPayload); err != nil {
			return d.WrapErr(err)
		}
		return nil
	case "token":
		return args.Strings(d, "<token>", &a.Token)
	}
	return d.Errf("unrecognized option '%s': write listen, store_dir, max_memory, max_storage, max_payload or token", d.Val())
}

func checkListen(listen string) error {
	// A placeholder has its value only when the app is provisioned.
	if strings.Contains(listen, "{") {
		return nil
	}
	_, _, err := splitListen(listen)
	return err
}

// Interface guards
var _ caddyfile.Unmarshaler = (*App)(nil)
