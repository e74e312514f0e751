// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// examine has a sink look at what it needs, and checks what holds for every result.
func examine(t *testing.T, sink Examiner, maxEventSize int) examined {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e := examined{t, sink.Examine(ctx, Site{MaxEventSize: maxEventSize})}
	for _, check := range e.checks {
		if check.Name == "" || check.Found == "" {
			t.Errorf("a check says nothing: %+v", check)
		}
		if bad := check.Mark == Problem || check.Mark == Warning; bad && check.Remedy == "" {
			t.Errorf("a check has no remedy: %+v", check)
		}
		if strings.Contains(fmt.Sprint(check), "s3cret") {
			t.Errorf("a check holds a secret: %+v", check)
		}
	}
	return e
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	checkLeaks(t)
	s := startServer(t, withJetStream)
	newTestClient(t, s).create(t, eventStream())
	sink, _ := newJetStream(t, s.ClientURL(), spooled(t.TempDir()))
	e := examine(t, sink, 32<<10)
	e.wantNo(Problem, Warning, Skipped)
	e.want(OK, "NATS nats://127.0.0.1", "version "+server.VERSION+", without TLS")
	e.want(OK, "permissions", "may do everything")
	e.want(OK, "JetStream", "it is on for this account, whose streams (1) take")
	e.want(OK, "stream", "EVENTS takes segment.events.>")
	e.want(OK, "room", "no limit but the server's")
	e.want(OK, "message size", "1.0 MiB")
	e.want(OK, "spool", "")

	plain := newNATS(t, s.ClientURL(), nil)
	e = examine(t, plain, 32<<10)
	e.wantNo(Problem, Warning, Skipped)
	wantEmptyPool(t)
}

func TestDoctorTellsWhyNATSIsNotReached(t *testing.T) {
	locked := startServer(t, func(o *server.Options) { o.Username, o.Password = "alice", "s3cret" })
	a := newAuthority(t)
	secured := startServer(t, func(o *server.Options) { a.secure(t, o, "") })
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)

	for _, test := range []struct {
		name, found, remedy string
		connection          Connection
	}{
		{"nobody listens", "it cannot be reached", "check that NATS runs", at("127.0.0.1", freePort(t))},
		{"no such host", "the host is not found", "check the host name", Connection{Servers: []string{"nats://nobody.invalid:4222"}}},
		{"a silent server", "it takes connections and says nothing", "handshake_first", Connection{Servers: []string{"nats://" + silent.Addr().String()}}},
		{"a web server", "it takes connections and says nothing", "the port for clients", Connection{Servers: []string{"nats://" + web.Listener.Addr().String()}}},
		{"no login", "it refuses the login", "set one of user", at("127.0.0.1", serverPort(locked))},
		{"a wrong password", "it refuses the login", "check the option user", Connection{
			Servers: []string{locked.Addr().String()}, User: "alice", Password: "s3cret but wrong",
		}},
		{"a wrong password in the URL", "it refuses the login", "the user info", Connection{
			Servers: []string{"nats://alice:s3cret-but-wrong@" + locked.Addr().String()},
		}},
		{"an unknown authority", "TLS fails", "ca must have signed", at("127.0.0.1", serverPort(secured))},
	} {
		t.Run(test.name, func(t *testing.T) {
			sink := newNATS(t, "", func(s *NATS) { s.Connection = test.connection })
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			e := examined{t, sink.Examine(ctx, Site{MaxEventSize: 1})}
			e.want(Problem, "NATS nats://", test.found)
			e.want(Problem, "NATS nats://", test.remedy)
			e.want(Skipped, "permissions", "not reached")
			if strings.Contains(e.String(), "s3cret") {
				t.Errorf("a secret is shown:\n%s", e)
			}
		})
	}
}

func at(host string, port int) Connection {
	return Connection{Servers: []string{fmt.Sprintf("nats://%s:%d", host, port)}}
}

func TestDoctorTakesAnyServerOfSeveral(t *testing.T) {
	checkLeaks(t)
	s := startServer(t, nil)
	sink := newNATS(t, "", func(n *NATS) {
		n.Connection = Connection{Servers: []string{fmt.Sprintf("nats://127.0.0.1:%d", freePort(t)), s.ClientURL()}}
	})
	e := examine(t, sink, 1)
	e.wantNo(Problem, Skipped)
	e.want(Warning, "NATS nats://", "cannot be reached")
	e.want(OK, "NATS nats://", "connected")
}

func TestDoctorChecksTheServersCertificate(t *testing.T) {
	checkLeaks(t)
	a := newAuthority(t)
	s := startServer(t, func(o *server.Options) { a.secure(t, o, "") })
	e := examine(t, newNATS(t, s.ClientURL(), func(n *NATS) { n.TLS = a.client() }), 1)
	e.wantNo(Problem)
	e.want(OK, "NATS", "with TLS")
	e.want(Warning, "NATS", "the server's certificate ends")
	e.want(Warning, "tls certificate", "it expires")
}

func TestDoctorNamesOptionsThatCannotWork(t *testing.T) {
	checkLeaks(t)
	contextDir(t)
	for name, connection := range map[string]Connection{
		"PIXEL_TEST_UNSET is not set":  {Token: "{env.PIXEL_TEST_UNSET}"},
		"creds: open /nowhere":         {Creds: "/nowhere"},
		`unknown context "production"`: {Context: "production"},
	} {
		sink := new(NATS)
		sink.Connection = connection
		if err := sink.Messages.provision(); err != nil {
			t.Fatal(err)
		}
		e := examine(t, sink, 1)
		e.want(Problem, "connection options", name)
	}
}

func TestDoctorUsesANATSContext(t *testing.T) {
	checkLeaks(t)
	s := startServer(t, func(o *server.Options) { o.Username, o.Password = "alice", "s3cret" })
	writeFile(t, contextDir(t)+"/production.json", fmt.Sprintf(`{"url":%q,"user":"alice","password":"s3cret"}`, s.ClientURL()))
	e := examine(t, newNATS(t, "", func(n *NATS) { n.Connection = Connection{Context: "production"} }), 1)
	e.wantNo(Problem, Warning, Skipped)
	e.want(OK, "NATS nats://127.0.0.1", "connected")
}

func TestDoctorWarnsOfLoginsThatEnd(t *testing.T) {
	account, _, _ := newKey(t, nkeys.CreateAccount)
	user, public, _ := newKey(t, nkeys.CreateUser)
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		left  time.Duration // zero: it does not end
		mark  Mark
		words string
	}{
		{"past", -time.Hour, Problem, "it expired on"},
		{"soon", 6 * 24 * time.Hour, Warning, "it expires on"},
		{"later", 8 * 24 * time.Hour, OK, "it expires on"},
		{"never", 0, OK, "it does not expire"},
	} {
		t.Run(test.name, func(t *testing.T) {
			claims := jwt.NewUserClaims(public)
			if test.left != 0 {
				claims.Expires = time.Now().Add(test.left).Unix()
			}
			token, err := claims.Encode(account)
			if err != nil {
				t.Fatal(err)
			}
			nowhere := at("127.0.0.1", freePort(t))
			byFile, byText := nowhere, nowhere
			byFile.Creds = credsFile(t, token, string(seed))
			byText.JWT, byText.Seed = token, string(seed)
			for _, connection := range []Connection{byFile, byText} {
				e := examine(t, newNATS(t, "", func(n *NATS) { n.Connection = connection }), 1)
				e.want(test.mark, "user JWT", test.words)
			}
		})
	}
}
