// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"slices"
	"strings"

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
