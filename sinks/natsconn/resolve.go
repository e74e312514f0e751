// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

const filePlaceholder = "{file."

// Resolve returns a copy with defaults filled in and placeholders replaced.
// Without files, values that hold a {file.*} placeholder stay as they are, so
// that provisioning reads no disk and still misses no environment variable.
// Call it on what was configured, never on its own result: a secret may hold
// braces of its own.
func (c Connection) Resolve(repl *caddy.Replacer, files bool) (Connection, error) {
	r := resolver{repl: repl, files: files}
	c.Servers = r.servers(c.Servers)
	for _, option := range []struct {
		name  string
		value *string
	}{
		{"context", &c.Context},
		{"client_name", &c.ClientName},
		{"user", &c.User},
		{"password", &c.Password},
		{"token", &c.Token},
		{"creds", &c.Creds},
		{"nkey", &c.NKey},
		{"jwt", &c.JWT},
		{"seed", &c.Seed},
		{"inbox_prefix", &c.InboxPrefix},
	} {
		r.replace(option.name, option.value)
	}
	if c.TLS != nil {
		t := *c.TLS
		c.TLS = &t
		r.replace("tls ca", &t.CA)
		r.replace("tls certificate", &t.Certificate)
		r.replace("tls key", &t.Key)
		r.replace("tls server_name", &t.ServerName)
	}
	if r.err != nil {
		return Connection{}, r.err
	}

	if len(c.Servers) == 0 && c.Context == "" {
		c.Servers = []string{defaultServer}
	}
	if c.ClientName == "" {
		c.ClientName = defaultClientName
	}
	if err := c.Validate(); err != nil {
		return Connection{}, err
	}
	return c, nil
}

// resolver replaces placeholders and keeps the first error.
type resolver struct {
	repl  *caddy.Replacer
	files bool
	err   error
}

// replace names the option in its error and never shows the value. The
// replacer's own errors quote what stands in the braces, which can be a part of
// a password.
func (r *resolver) replace(name string, value *string) {
	if r.err != nil || (!r.files && strings.Contains(*value, filePlaceholder)) {
		return
	}
	replaced, err := r.repl.ReplaceFunc(*value, func(key string, val any) (any, error) {
		text := caddy.ToString(val)
		if strings.HasPrefix(key, "file.") {
			text = strings.TrimRight(text, "\r\n")
		}
		if text == "" {
			return nil, missingPlaceholder(key)
		}
		return text, nil
	})
	if err != nil {
		r.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	*value = replaced
}

// servers replaces the placeholders of a copy and gives every URL its own
// element, so that lists written differently still share a connection.
func (r *resolver) servers(configured []string) []string {
	var servers []string
	for _, element := range configured {
		r.replace("server", &element)
		if strings.Contains(element, filePlaceholder) {
			servers = append(servers, element)
			continue
		}
		for server := range strings.SplitSeq(element, ",") {
			servers = append(servers, strings.TrimSpace(server))
		}
	}
	return servers
}

func missingPlaceholder(key string) error {
	if name, ok := strings.CutPrefix(key, "env."); ok {
		return fmt.Errorf("the environment variable %s is not set or empty", name)
	}
	if name, ok := strings.CutPrefix(key, "file."); ok {
		return fmt.Errorf("the file %s cannot be read or is empty", name)
	}
	return errors.New(`a placeholder has no value: use {env.NAME} or {file./path}, and write \{ for a brace that is none`)
}
