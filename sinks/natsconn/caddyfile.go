// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/args"
)

// OptionNames are the connection's options, for errors.
const OptionNames = "server, context, client_name, user, token, creds, nkey, jwt, inbox_prefix or tls"

// UnmarshalOption consumes the subdirective on which d stands if it is one of
// the connection's, and tells whether it was. Their syntax stands with the sink
// nats. Only `server` may be repeated; every further one adds to the list.
func (c *Connection) UnmarshalOption(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "server":
		args, err := args.Arguments(d, "<url...>")
		if err != nil {
			return true, err
		}
		return true, c.AddServers(d, args)
	case "context":
		return true, args.Strings(d, "<name>", &c.Context)
	case "client_name":
		return true, args.Strings(d, "<name>", &c.ClientName)
	case "user":
		return true, args.Strings(d, "<user> <password>", &c.User, &c.Password)
	case "token":
		return true, args.Strings(d, "<token>", &c.Token)
	case "creds":
		return true, args.Strings(d, "<file>", &c.Creds)
	case "nkey":
		return true, args.Strings(d, "<file>", &c.NKey)
	case "jwt":
		return true, args.Strings(d, "<token> <seed>", &c.JWT, &c.Seed)
	case "inbox_prefix":
		if err := args.Strings(d, "<prefix>", &c.InboxPrefix); err != nil {
			return true, err
		}
		if err := checkInboxPrefix(c.InboxPrefix); err != nil {
			return true, d.WrapErr(err)
		}
		return true, nil
	case "tls":
		if c.TLS != nil {
			return true, d.Err("tls already specified")
		}
		c.TLS = new(TLS)
		return true, c.TLS.unmarshalBlock(d)
	}
	return false, nil
}

// AddServers adds URLs to the list, whether they come from a `server`
// subdirective or from the line that names the sink.
func (c *Connection) AddServers(d *caddyfile.Dispenser, urls []string) error {
	servers := slices.Concat(c.Servers, urls)
	if _, err := checkServers(servers); err != nil {
		return d.WrapErr(err)
	}
	c.Servers = servers
	return nil
}
