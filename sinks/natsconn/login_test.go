// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
)

func TestLogins(t *testing.T) {
	for _, test := range []struct {
		name  string
		login func(*testing.T, *server.Options) Connection
	}{
		{"user", func(_ *testing.T, o *server.Options) Connection {
			o.Username, o.Password = "alice", "s3cret"
			return Connection{User: "alice", Password: "s3cret"}
		}},
		{"token", func(_ *testing.T, o *server.Options) Connection {
			o.Authorization = "s3cret"
			return Connection{Token: "s3cret"}
		}},
		{"creds", func(t *testing.T, o *server.Options) Connection {
			token, seed := natstest.OperatorMode(t, o)
			return Connection{Creds: natstest.CredsFile(t, token, seed)}
		}},
		{"nkey", func(t *testing.T, o *server.Options) Connection {
			_, public, seed := natstest.NewKey(t, nkeys.CreateUser)
			o.Nkeys = []*server.NkeyUser{{Nkey: public}}
			file := filepath.Join(t.TempDir(), "user.nk")
			natstest.WriteFile(t, file, seed+"\n")
			return Connection{NKey: file}
		}},
		{"jwt and seed", func(t *testing.T, o *server.Options) Connection {
			token, seed := natstest.OperatorMode(t, o)
			return Connection{JWT: token, Seed: seed}
		}},
		{"jwt and seed from one file", func(t *testing.T, o *server.Options) Connection {
			token, seed := natstest.OperatorMode(t, o)
			file := "{file." + natstest.CredsFile(t, token, seed) + "}"
			return Connection{JWT: file, Seed: file}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			natstest.CheckLeaks(t)
			logs := observeLogs(t)
			var login Connection
			s := natstest.StartPlain(t, func(o *server.Options) { login = test.login(t, o) })

			login.Servers = []string{s.ClientURL()}
			connect(t, Options{Connection: login})
			if n := logs.FilterMessage("connected to NATS").Len(); n != 1 {
				t.Errorf("%d lines about the connection, want 1", n)
			}
			natstest.RefuseSecrets(t, logs, "s3cret")

			// The same server refuses who does not log in.
			refused := acquire(t, toServer(s))
			natstest.Eventually(t, "the condition holds", func() bool {
				return logs.FilterMessage("cannot connect to NATS yet, trying on").Len() == 1
			})
			if refused.Connected() {
				t.Error("connected without the login")
			}
		})
	}
}

func TestLoginInServerURL(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	s := natstest.StartPlain(t, func(o *server.Options) { o.Authorization = "s3cret" })
	connect(t, Options{Connection: Connection{Servers: []string{fmt.Sprintf("s3cret@127.0.0.1:%d", natstest.ServerPort(s))}}})
	natstest.RefuseSecrets(t, logs, "s3cret")
	url := logs.FilterMessage("connected to NATS").All()[0].ContextMap()["server"]
	if want := fmt.Sprintf("nats://127.0.0.1:%d", natstest.ServerPort(s)); url != want {
		t.Errorf("logged server %q, want %q", url, want)
	}
}

func TestLoginFromContext(t *testing.T) {
	natstest.CheckLeaks(t)
	logs := observeLogs(t)
	s := natstest.StartPlain(t, func(o *server.Options) { o.Username, o.Password = "alice", "s3cret" })
	file := filepath.Join(natstest.ContextDir(t), "production.json")
	natstest.WriteFile(t, file, fmt.Sprintf(
		`{"url":%q,"user":"alice","password":"s3cret","inbox_prefix":"_INBOX.cli","jetstream_domain":"leaf"}`, s.ClientURL()))

	c := connect(t, Options{Connection: Connection{Context: "production"}})
	if got := c.NATS().Opts.InboxPrefix; got != "_INBOX.cli" {
		t.Errorf("inbox prefix %q, want that of the context", got)
	}
	if got := c.Jetstream().Options().Domain; got != "leaf" {
		t.Errorf("domain %q, want that of the context", got)
	}
	connect(t, Options{Connection: Connection{Context: file}})
	if n := s.NumClients(); n != 2 {
		t.Errorf("%d clients, want 2", n)
	}

	// A context that was changed is another one.
	natstest.WriteFile(t, file, fmt.Sprintf(`{"url":%q,"user":"alice","password":"s3cret"}`, s.ClientURL()))
	if connect(t, Options{Connection: Connection{Context: "production"}}) == c {
		t.Error("a changed context has the old connection")
	}
	natstest.RefuseSecrets(t, logs, "s3cret")
}

func TestContextErrors(t *testing.T) {
	natstest.CheckLeaks(t)
	dir := natstest.ContextDir(t)
	natstest.WriteFile(t, filepath.Join(dir, "broken.json"), `{"url":`)
	natstest.WriteFile(t, filepath.Join(dir, "url.json"), `{"url":"nats://alice:s3cret/x@b"}`)
	natstest.WriteFile(t, filepath.Join(dir, "files.json"), `{"nkey":"/nowhere/user.nk"}`)
	for name, want := range map[string]string{
		"missing": `context missing: unknown context "missing": this user has broken, files, url`,
		"broken":  "context broken: unexpected end of JSON",
		"url":     "context url: a server URL cannot be parsed",
		"files":   "/nowhere/user.nk",
	} {
		_, err := Acquire(Options{Connection: Connection{Context: name}})
		natstest.WantError(t, err, want)
	}
	dir = natstest.ContextDir(t)
	_, err := Acquire(Options{Connection: Connection{Context: "missing"}})
	natstest.WantError(t, err, "there is none in "+dir)
	wantEmptyPool(t)
}

func TestFilesAreChecked(t *testing.T) {
	natstest.CheckLeaks(t)
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	natstest.WriteFile(t, garbage, "s3cret garbage")
	missing := filepath.Join(dir, "missing")
	_, _, accountSeed := natstest.NewKey(t, nkeys.CreateAccount)
	account := filepath.Join(dir, "account.nk")
	natstest.WriteFile(t, account, accountSeed)

	for _, test := range []struct {
		want       string
		connection Connection
	}{
		{"creds: open " + missing, Connection{Creds: missing}},
		{"creds: the file " + garbage + " holds no user JWT and holds no seed", Connection{Creds: garbage}},
		{"nkey: open " + missing, Connection{NKey: missing}},
		{"nkey: the file " + garbage + " holds no seed", Connection{NKey: garbage}},
		{"nkey: the file " + account + " holds no seed of a user", Connection{NKey: account}},
		{"jwt holds no user JWT", Connection{JWT: "s3cret", Seed: "s3cret"}},
		{"seed holds no seed", Connection{JWT: "a.b.c", Seed: "s3cret"}},
		{"tls ca: open " + missing, Connection{TLS: &TLS{CA: missing}}},
		{"tls ca: the file " + garbage + " holds no PEM certificate", Connection{TLS: &TLS{CA: garbage}}},
		{"tls cert: open " + missing, Connection{TLS: &TLS{Certificate: missing, Key: garbage}}},
		{"tls key: open " + missing, Connection{TLS: &TLS{Certificate: garbage, Key: missing}}},
		{"cannot be used together", Connection{TLS: &TLS{Certificate: garbage, Key: garbage}}},
	} {
		resolved, err := test.connection.Resolve(caddy.NewReplacer(), true)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Acquire(Options{Connection: resolved})
		natstest.WantError(t, err, test.want)
	}
	wantEmptyPool(t)
}
