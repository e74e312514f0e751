// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// unmarshalOption consumes the subdirective on which d stands if it is one of
// the connection's, and tells whether it was. Syntax:
//
//	server       <url...>
//	context      <name>
//	client_name  <name>
//	user         <user> <password>
//	token        <token>
//	creds        <file>
//	nkey         <file>
//	jwt          <token> <seed>
//	inbox_prefix <prefix>
//	tls {
//		ca                   <file>
//		cert                 <cert> <key>
//		server_name          <name>
//		first
//		insecure_skip_verify
//	}
//
// Only `server` may be repeated; every further one adds to the list.
func (c *Connection) unmarshalOption(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "server":
		args, err := optionArgs(d, "<url...>")
		if err != nil {
			return true, err
		}
		return true, c.addServers(d, args)
	case "context":
		return true, unmarshalStrings(d, "<name>", &c.Context)
	case "client_name":
		return true, unmarshalStrings(d, "<name>", &c.ClientName)
	case "user":
		return true, unmarshalStrings(d, "<user> <password>", &c.User, &c.Password)
	case "token":
		return true, unmarshalStrings(d, "<token>", &c.Token)
	case "creds":
		return true, unmarshalStrings(d, "<file>", &c.Creds)
	case "nkey":
		return true, unmarshalStrings(d, "<file>", &c.NKey)
	case "jwt":
		return true, unmarshalStrings(d, "<token> <seed>", &c.JWT, &c.Seed)
	case "inbox_prefix":
		if err := unmarshalStrings(d, "<prefix>", &c.InboxPrefix); err != nil {
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

// addServers adds URLs to the list, whether they come from a `server`
// subdirective or from the line that names the sink.
func (c *Connection) addServers(d *caddyfile.Dispenser, urls []string) error {
	servers := slices.Concat(c.Servers, urls)
	if _, err := checkServers(servers); err != nil {
		return d.WrapErr(err)
	}
	c.Servers = servers
	return nil
}
