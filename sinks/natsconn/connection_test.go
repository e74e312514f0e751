// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

// parseConnection reads a block of connection options as a sink does.
func parseConnection(input string) (Connection, error) {
	var c Connection
	d := caddyfile.NewTestDispenser("sink {\n" + input + "\n}")
	d.Next()
	for d.NextBlock(0) {
		known, err := c.UnmarshalOption(d)
		if err != nil {
			return c, err
		}
		if !known {
			return c, d.Errf("unrecognized subdirective '%s'", d.Val())
		}
	}
	return c, nil
}

func TestConnectionCaddyfile(t *testing.T) {
	for _, test := range []struct {
		name, input string
		want        Connection
	}{
		{"servers add up", "server nats://a:4222 b\nserver {env.C} tls://d,e:1", Connection{
			Servers: []string{"nats://a:4222", "b", "{env.C}", "tls://d,e:1"},
		}},
		{"context", "context production\nclient_name pixel", Connection{Context: "production", ClientName: "pixel"}},
		{"user", "user alice {env.PASSWORD}", Connection{User: "alice", Password: "{env.PASSWORD}"}},
		{"token", "token t0ken", Connection{Token: "t0ken"}},
		{"creds", "creds /etc/user.creds", Connection{Creds: "/etc/user.creds"}},
		{"nkey", "nkey /etc/user.nk", Connection{NKey: "/etc/user.nk"}},
		{"jwt", "jwt a.b.c {file./run/seed}", Connection{JWT: "a.b.c", Seed: "{file./run/seed}"}},
		{"inbox prefix", "inbox_prefix _INBOX.pixel", Connection{InboxPrefix: "_INBOX.pixel"}},
		{"tls alone", "tls\ntoken t", Connection{Token: "t", TLS: &TLS{}}},
		{"tls empty", "tls {\n}\ntoken t", Connection{Token: "t", TLS: &TLS{}}},
		{"tls", "tls {\nca ca.pem\ncert c.pem k.pem\nserver_name nats.test\nfirst\ninsecure_skip_verify\n}\ntoken t", Connection{
			Token: "t",
			TLS: &TLS{
				CA: "ca.pem", Certificate: "c.pem", Key: "k.pem",
				ServerName: "nats.test", First: true, InsecureSkipVerify: true,
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseConnection(test.input)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestConnectionCaddyfileErrors(t *testing.T) {
	for _, test := range []struct{ input, want string }{
		{"servers nats://a", "unrecognized subdirective 'servers'"},
		{"server", "write it as 'server <url...>'"},
		{"server http://h0st", `server 1 of 1 has the scheme "http": use nats, tls, ws or wss`},
		{"server nats://a\nserver nats://b:0", "server 2 of 2 has an impossible port"},
		{"server nats://a ws://b", "use one sort for all"},
		{"server nats://a,,b", "is empty"},
		{"server nats://alice:s3cret/x@a", "percent-encoded"},
		{"server nats://a/b", "has a path"},
		{`server ""`, "empty argument"},
		{"server nats://a {\nb\n}", "takes no block"},
		{"server nats://a {\n}", "takes no block"},
		{"context", "write it as 'context <name>'"},
		{"context a b", "has 2 arguments"},
		{"context a\ncontext b", "context already specified"},
		{"client_name", "write it as 'client_name <name>'"},
		{"user alice", "write it as 'user <user> <password>'"},
		{"user alice s3cret s3cret", "write it as 'user <user> <password>'"},
		{`user alice ""`, "empty argument"},
		{"user alice s3cret\nuser bob s3cret", "user already specified"},
		{"token", "write it as 'token <token>'"},
		{"token s3cret s3cret", "has 2 arguments"},
		{"token s3cret {\nx\n}", "token takes no block"},
		{"creds", "write it as 'creds <file>'"},
		{"nkey a b", "write it as 'nkey <file>'"},
		{"jwt s3cret", "write it as 'jwt <token> <seed>'"},
		{"inbox_prefix a.*", "wildcard"},
		{"inbox_prefix a..b", "empty token"},
		{"inbox_prefix a.", "empty token"},
		{`inbox_prefix "a b"`, "white space"},
		{"tls a", "takes a block and no arguments"},
		{"tls {\nca\n}", "write it as 'ca <file>'"},
		{"tls {\nca a\nca b\n}", "ca already specified"},
		{"tls {\ncert a\n}", "write it as 'cert <cert> <key>'"},
		{"tls {\nfirst yes\n}", "write it as 'first'"},
		{"tls {\nfirst\nfirst\n}", "first already specified"},
		{"tls {\nkey a\n}", "unrecognized tls option 'key': use ca, cert"},
		{"tls {\nfirst\n}\ntls {\nfirst\n}", "tls already specified"},
	} {
		t.Run(test.input, func(t *testing.T) {
			_, err := parseConnection(test.input)
			natstest.WantError(t, err, test.want)
			if !strings.Contains(err.Error(), "Testfile:") {
				t.Errorf("no file and line in %v", err)
			}
		})
	}
}

func TestConnectionValidate(t *testing.T) {
	for _, test := range []struct {
		name, want string // no error wanted if empty
		connection Connection
	}{
		{"nothing", "", Connection{}},
		{"placeholders", "", Connection{Servers: []string{"{env.A}", "ftp://{env.B}"}, InboxPrefix: "{env.C}*"}},
		{"no scheme", "", Connection{Servers: []string{"localhost", "localhost:4222,[::1]:4222"}}},
		{"websocket", "", Connection{Servers: []string{"ws://a/nats", "wss://b"}}},
		{"token in URL", "", Connection{Servers: []string{"nats://s3cret@a"}}},
		{"context", "", Connection{Context: "a", ClientName: "b", InboxPrefix: "c"}},
		{"context and servers", "remove either context or servers", Connection{Context: "a", Servers: []string{"b"}}},
		{"context and login", "remove either context or token, tls", Connection{Context: "a", Token: "s3cret", TLS: &TLS{}}},
		{"two logins", "all but one of user, nkey", Connection{User: "a", Password: "s3cret", NKey: "b"}},
		{"login and URL", "all but one of token, user info in the server URL", Connection{
			Servers: []string{"nats://a:s3cret@b"}, Token: "s3cret",
		}},
		{"user alone", "user needs a password", Connection{User: "s3cret"}},
		{"password alone", "password needs a user", Connection{Password: "s3cret"}},
		{"jwt alone", "jwt needs the seed", Connection{JWT: "s3cret"}},
		{"seed alone", "seed needs a jwt", Connection{Seed: "s3cret"}},
		{"certificate alone", "certificate needs the key", Connection{TLS: &TLS{Certificate: "a"}}},
		{"key alone", "key needs the certificate", Connection{TLS: &TLS{Key: "a"}}},
		{"scheme", `scheme "http"`, Connection{Servers: []string{"http://a:s3cret@b"}}},
		{"port", "server 1 of 1 is not a URL", Connection{Servers: []string{"nats://a:s3cret"}}},
		{"inbox prefix", "wildcard", Connection{InboxPrefix: "a.>"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.connection.Validate()
			if test.want != "" {
				natstest.WantError(t, err, test.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConnectionResolve(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	natstest.WriteFile(t, secret, "from a file\r\n")
	t.Setenv("TEST_NATS_SERVERS", "nats://a:4222, nats://b:4222")
	t.Setenv("TEST_NATS_USER", "al{i}ce")
	configured := Connection{
		Servers:  []string{"{env.TEST_NATS_SERVERS}", "c"},
		User:     "{env.TEST_NATS_USER}",
		Password: "{file." + secret + "}",
		TLS:      &TLS{CA: "/etc/{env.TEST_NATS_USER}.pem"},
	}
	for _, test := range []struct {
		files    bool
		password string
	}{{true, "from a file"}, {false, "{file." + secret + "}"}} {
		got, err := configured.Resolve(caddy.NewReplacer(), test.files)
		if err != nil {
			t.Fatal(err)
		}
		want := Connection{
			Servers:    []string{"nats://a:4222", "nats://b:4222", "c"},
			ClientName: "segment_pixel",
			User:       "al{i}ce",
			Password:   test.password,
			TLS:        &TLS{CA: "/etc/al{i}ce.pem"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("files %t: got %+v, want %+v", test.files, got, want)
		}
	}
	if configured.TLS.CA != "/etc/{env.TEST_NATS_USER}.pem" || configured.Servers[1] != "c" {
		t.Errorf("the configuration has changed: %+v", configured)
	}
}

func TestConnectionResolveDefaults(t *testing.T) {
	got, err := Connection{}.Resolve(caddy.NewReplacer(), false)
	if err != nil {
		t.Fatal(err)
	}
	want := Connection{Servers: []string{"nats://127.0.0.1:4222"}, ClientName: "segment_pixel"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got, err = Connection{Context: "a"}.Resolve(caddy.NewReplacer(), false)
	if err != nil || got.Servers != nil {
		t.Errorf("got %v and %v, want no servers beside a context", got.Servers, err)
	}
}

func TestConnectionResolveErrors(t *testing.T) {
	t.Setenv("TEST_NATS_URL", "nats://alice:s3cret/x@b")
	for _, test := range []struct {
		name, want string
		connection Connection
	}{
		{"environment", "password: the environment variable TEST_NATS_UNSET is not set", Connection{
			User: "a", Password: "{env.TEST_NATS_UNSET}",
		}},
		{"file", "token: the file /nowhere/token cannot be read", Connection{Token: "{file./nowhere/token}"}},
		{"braces", `password: a placeholder has no value`, Connection{User: "a", Password: "x{s3cret}y"}},
		{"server", "server 1 of 1 is not a URL", Connection{Servers: []string{"{env.TEST_NATS_URL}"}}},
		{"tls", "tls key: the environment variable TEST_NATS_UNSET", Connection{
			TLS: &TLS{Certificate: "a", Key: "{env.TEST_NATS_UNSET}"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.connection.Resolve(caddy.NewReplacer(), true)
			natstest.WantError(t, err, test.want)
		})
	}
	t.Run("no disk", func(t *testing.T) {
		_, err := Connection{Token: "{file./nowhere/token}"}.Resolve(caddy.NewReplacer(), false)
		if err != nil {
			t.Error(err)
		}
	})
}
