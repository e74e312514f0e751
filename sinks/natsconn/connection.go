// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	defaultServer     = "nats://127.0.0.1:4222"
	defaultClientName = "segment_pixel"
)

// Connection says how to reach NATS. Every string may hold placeholders such
// as `{env.NATS_TOKEN}` or `{file./run/secrets/nats_token}`.
//
// At most one kind of login may be given: `user` with `password`, `token`,
// `creds`, `nkey`, `jwt` with `seed`, or user info in the server URLs. Sinks
// whose connection options are all alike share one connection.
type Connection struct {
	// The URLs of the NATS servers, each like `nats://host:4222`. The schemes are
	// `nats`, `tls`, `ws` and `wss`; without one it is `nats`. One element may hold
	// several URLs separated by commas. More servers of a cluster are learnt from
	// the one that answers. Default: `["nats://127.0.0.1:4222"]`.
	Servers []string `json:"servers,omitempty"`

	// The name of a NATS CLI context, or the absolute path of its file. It
	// replaces `servers`, `tls` and the login. Contexts are looked up where the
	// `nats` command keeps them: `$XDG_CONFIG_HOME/nats/context`, or
	// `~/.config/nats/context`. Default: none.
	Context string `json:"context,omitempty"`

	// The name by which NATS lists this client. Default: `segment_pixel`.
	ClientName string `json:"client_name,omitempty"`

	// The user to log in as; needs `password`. Default: none.
	User string `json:"user,omitempty"`

	// The password that goes with `user`. Default: none.
	Password string `json:"password,omitempty"`

	// The token to log in with. Default: none.
	Token string `json:"token,omitempty"`

	// The credentials file of a user (`.creds`), which holds a JWT and a seed. It
	// is read again for every login, so it may be renewed in place. Default: none.
	Creds string `json:"creds,omitempty"`

	// The file that holds the seed of a user's nkey. Default: none.
	NKey string `json:"nkey,omitempty"`

	// The user's JWT itself, not a file; needs `seed`. Default: none.
	JWT string `json:"jwt,omitempty"`

	// The seed that goes with `jwt`, itself, not a file. Default: none.
	Seed string `json:"seed,omitempty"`

	// The first tokens of the subjects on which NATS answers this client, for
	// accounts that allow only some. Default: `_INBOX`.
	InboxPrefix string `json:"inbox_prefix,omitempty"`

	// How to speak TLS. With `tls`, even if empty, a connection without TLS is
	// refused. Without it, TLS is used when a URL or the server asks for it, with
	// the certificate authorities of the system. Default: none.
	TLS *TLS `json:"tls,omitempty"`
}

// Validate applies the rules that need neither network nor disk. What still
// holds a placeholder is left for resolve to judge.
func (c *Connection) Validate() error {
	if err := c.validateContext(); err != nil {
		return err
	}
	userInfo, err := checkServers(c.Servers)
	if err != nil {
		return err
	}
	if err := c.validateLogin(userInfo); err != nil {
		return err
	}
	if err := checkInboxPrefix(c.InboxPrefix); err != nil {
		return err
	}
	return c.TLS.validate()
}

func (c *Connection) validateContext() error {
	if c.Context == "" {
		return nil
	}
	var surplus []string
	if len(c.Servers) > 0 {
		surplus = append(surplus, "servers")
	}
	surplus = append(surplus, c.logins()...)
	if c.TLS != nil {
		surplus = append(surplus, "tls")
	}
	if len(surplus) > 0 {
		return fmt.Errorf("context already names servers, login and tls: remove either context or %s",
			strings.Join(surplus, ", "))
	}
	return nil
}

func (c *Connection) validateLogin(userInfo bool) error {
	logins := c.logins()
	if userInfo {
		logins = append(logins, "user info in the server URL")
	}
	if len(logins) > 1 {
		return fmt.Errorf("only one kind of login can be used: remove all but one of %s", strings.Join(logins, ", "))
	}
	switch {
	case c.User != "" && c.Password == "":
		return errors.New("user needs a password")
	case c.User == "" && c.Password != "":
		return errors.New("password needs a user")
	case c.JWT != "" && c.Seed == "":
		return errors.New("jwt needs the seed that belongs to it")
	case c.JWT == "" && c.Seed != "":
		return errors.New("seed needs a jwt; for an nkey without a jwt, name the file of its seed with nkey")
	}
	return nil
}

// logins returns the names of the kinds of login that are configured.
func (c *Connection) logins() []string {
	var names []string
	if c.User != "" || c.Password != "" {
		names = append(names, "user")
	}
	if c.Token != "" {
		names = append(names, "token")
	}
	if c.Creds != "" {
		names = append(names, "creds")
	}
	if c.NKey != "" {
		names = append(names, "nkey")
	}
	if c.JWT != "" || c.Seed != "" {
		names = append(names, "jwt")
	}
	return names
}

// checkServers judges the URLs that hold no placeholder and tells whether one
// of them carries user info. Errors count the URLs, as these can hold secrets.
func checkServers(servers []string) (userInfo bool, err error) {
	var plain, ws bool
	for i, element := range servers {
		if hasPlaceholder(element) {
			continue
		}
		for server := range strings.SplitSeq(element, ",") {
			u, err := ParseServer(server)
			if err != nil {
				return false, fmt.Errorf("server %d of %d %w", i+1, len(servers), err)
			}
			userInfo = userInfo || u.User != nil
			if strings.HasPrefix(u.Scheme, "ws") {
				ws = true
			} else {
				plain = true
			}
		}
	}
	if plain && ws {
		return false, errors.New("servers mix ws or wss URLs with nats or tls URLs: use one sort for all")
	}
	return userInfo, nil
}

// ParseServer returns no text of an unusable URL but its scheme: what looks
// like a host or a port may be part of a password that is not escaped.
func ParseServer(server string) (*url.URL, error) {
	server = strings.TrimSpace(server)
	if server == "" {
		return nil, errors.New("is empty: write nats://host:4222")
	}
	if !strings.Contains(server, "://") {
		server = "nats://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("is not a URL: write nats://host:4222, " +
			"with special characters in a user or a password percent-encoded")
	}
	switch u.Scheme {
	case "nats", "tls":
		if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return nil, errors.New("has a path or a query: write nats://host:4222")
		}
	case "ws", "wss":
	default:
		return nil, fmt.Errorf("has the scheme %q: use nats, tls, ws or wss", u.Scheme)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, errors.New("has an impossible port: use 1 to 65535")
		}
	}
	return u, nil
}

// Name is how metrics call the NATS that the options lead to. It holds no login.
func (c *Connection) Name() string {
	if c.Context != "" {
		return "context " + c.Context
	}
	return strings.Join(c.publicServers(), ",")
}

// publicServers are the servers' URLs without what may be a secret.
func (c *Connection) publicServers() []string {
	var servers []string
	for _, server := range c.Servers {
		if u, err := ParseServer(server); err == nil {
			u.User, u.RawQuery = nil, ""
			servers = append(servers, u.String())
		}
	}
	return servers
}

func checkInboxPrefix(prefix string) error {
	if prefix == "" || hasPlaceholder(prefix) {
		return nil
	}
	if strings.ContainsAny(prefix, "*>") || strings.ContainsFunc(prefix, unicode.IsSpace) {
		return fmt.Errorf("inbox_prefix %q holds a wildcard or white space: use tokens joined by dots, as in _INBOX.pixel", prefix)
	}
	if slices.Contains(strings.Split(prefix, "."), "") {
		return fmt.Errorf("inbox_prefix %q has an empty token: use tokens joined by single dots, as in _INBOX.pixel", prefix)
	}
	return nil
}

func hasPlaceholder(s string) bool {
	return strings.Contains(s, "{")
}
