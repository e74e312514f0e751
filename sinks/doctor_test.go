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

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/conntest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// examineSink has a sink look at what it needs, and checks what holds for every result.
func examineSink(t *testing.T, sink Examiner, maxEventSize int) conntest.Examined {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), natstest.Patience)
	defer cancel()
	e := conntest.Examined{T: t, Checks: sink.Examine(ctx, Site{MaxEventSize: maxEventSize})}
	for _, check := range e.Checks {
		if check.Name == "" || check.Found == "" {
			t.Errorf("a check says nothing: %+v", check)
		}
		if bad := check.Mark == report.Problem || check.Mark == report.Warning; bad && check.Remedy == "" {
			t.Errorf("a check has no remedy: %+v", check)
		}
		if strings.Contains(fmt.Sprint(check), "s3cret") {
			t.Errorf("a check holds a secret: %+v", check)
		}
	}
	return e
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, natstest.WithJetStream)
	natstest.NewTestClient(t, s).Create(t, natstest.EventStream())
	sink, _ := newJetStream(t, s.ClientURL(), spooled(t.TempDir()))
	e := examineSink(t, sink, 32<<10)
	e.WantNo(report.Problem, report.Warning, report.Skipped)
	e.Want(report.OK, "NATS nats://127.0.0.1", "version "+server.VERSION+", without TLS")
	e.Want(report.OK, "permissions", "may do everything")
	e.Want(report.OK, "JetStream", "it is on for this account, whose streams (1) take")
	e.Want(report.OK, "stream", "EVENTS takes segment.events.>")
	e.Want(report.OK, "room", "no limit but the server's")
	e.Want(report.OK, "message size", "1.0 MiB")
	e.Want(report.OK, "spool", "")

	plain := newNATS(t, s.ClientURL(), nil)
	e = examineSink(t, plain, 32<<10)
	e.WantNo(report.Problem, report.Warning, report.Skipped)
	conntest.WantEmptyPool(t)
}

func TestDoctorTellsWhyNATSIsNotReached(t *testing.T) {
	locked := natstest.StartPlain(t, func(o *server.Options) { o.Username, o.Password = "alice", "s3cret" })
	a := natstest.NewAuthority(t)
	secured := natstest.StartPlain(t, func(o *server.Options) { a.Secure(t, o, "") })
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)

	for _, test := range []struct {
		name, found, remedy string
		connection          natsconn.Connection
	}{
		{"nobody listens", "it cannot be reached", "check that NATS runs", at("127.0.0.1", natstest.FreePort(t))},
		{"no such host", "the host is not found", "check the host name", natsconn.Connection{Servers: []string{"nats://nobody.invalid:4222"}}},
		{"a silent server", "it takes connections and says nothing", "handshake_first", natsconn.Connection{Servers: []string{"nats://" + silent.Addr().String()}}},
		{"a web server", "it takes connections and says nothing", "the port for clients", natsconn.Connection{Servers: []string{"nats://" + web.Listener.Addr().String()}}},
		{"no login", "it refuses the login", "set one of user", at("127.0.0.1", natstest.ServerPort(locked))},
		{"a wrong password", "it refuses the login", "check the option user", natsconn.Connection{
			Servers: []string{locked.Addr().String()}, User: "alice", Password: "s3cret but wrong",
		}},
		{"a wrong password in the URL", "it refuses the login", "the user info", natsconn.Connection{
			Servers: []string{"nats://alice:s3cret-but-wrong@" + locked.Addr().String()},
		}},
		{"an unknown authority", "TLS fails", "ca must have signed", at("127.0.0.1", natstest.ServerPort(secured))},
	} {
		t.Run(test.name, func(t *testing.T) {
			sink := newNATS(t, "", func(s *NATS) { s.Connection = test.connection })
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			e := conntest.Examined{T: t, Checks: sink.Examine(ctx, Site{MaxEventSize: 1})}
			e.Want(report.Problem, "NATS nats://", test.found)
			e.Want(report.Problem, "NATS nats://", test.remedy)
			e.Want(report.Skipped, "permissions", "not reached")
			if strings.Contains(e.String(), "s3cret") {
				t.Errorf("a secret is shown:\n%s", e)
			}
		})
	}
}

func at(host string, port int) natsconn.Connection {
	return natsconn.Connection{Servers: []string{fmt.Sprintf("nats://%s:%d", host, port)}}
}

func TestDoctorTakesAnyServerOfSeveral(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, nil)
	sink := newNATS(t, "", func(n *NATS) {
		n.Connection = natsconn.Connection{Servers: []string{fmt.Sprintf("nats://127.0.0.1:%d", natstest.FreePort(t)), s.ClientURL()}}
	})
	e := examineSink(t, sink, 1)
	e.WantNo(report.Problem, report.Skipped)
	e.Want(report.Warning, "NATS nats://", "cannot be reached")
	e.Want(report.OK, "NATS nats://", "connected")
}

func TestDoctorChecksTheServersCertificate(t *testing.T) {
	natstest.CheckLeaks(t)
	a := natstest.NewAuthority(t)
	s := natstest.StartPlain(t, func(o *server.Options) { a.Secure(t, o, "") })
	e := examineSink(t, newNATS(t, s.ClientURL(), func(n *NATS) {
		n.TLS = &natsconn.TLS{CA: a.File("ca.pem"), Certificate: a.File("client.pem"), Key: a.File("client.key")}
	}), 1)
	e.WantNo(report.Problem)
	e.Want(report.OK, "NATS", "with TLS")
	e.Want(report.Warning, "NATS", "the server's certificate ends")
	e.Want(report.Warning, "tls certificate", "it expires")
}

func TestDoctorNamesOptionsThatCannotWork(t *testing.T) {
	natstest.CheckLeaks(t)
	natstest.ContextDir(t)
	for name, connection := range map[string]natsconn.Connection{
		"PIXEL_TEST_UNSET is not set":  {Token: "{env.PIXEL_TEST_UNSET}"},
		"creds: open /nowhere":         {Creds: "/nowhere"},
		`unknown context "production"`: {Context: "production"},
	} {
		sink := new(NATS)
		sink.Connection = connection
		if err := sink.Messages.provision(); err != nil {
			t.Fatal(err)
		}
		e := examineSink(t, sink, 1)
		e.Want(report.Problem, "connection options", name)
	}
}

func TestDoctorUsesANATSContext(t *testing.T) {
	natstest.CheckLeaks(t)
	s := natstest.StartPlain(t, func(o *server.Options) { o.Username, o.Password = "alice", "s3cret" })
	natstest.WriteFile(t, natstest.ContextDir(t)+"/production.json", fmt.Sprintf(`{"url":%q,"user":"alice","password":"s3cret"}`, s.ClientURL()))
	e := examineSink(t, newNATS(t, "", func(n *NATS) { n.Connection = natsconn.Connection{Context: "production"} }), 1)
	e.WantNo(report.Problem, report.Warning, report.Skipped)
	e.Want(report.OK, "NATS nats://127.0.0.1", "connected")
}

func TestDoctorWarnsOfLoginsThatEnd(t *testing.T) {
	account, _, _ := natstest.NewKey(t, nkeys.CreateAccount)
	user, public, _ := natstest.NewKey(t, nkeys.CreateUser)
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		left  time.Duration // zero: it does not end
		mark  report.Mark
		words string
	}{
		{"past", -time.Hour, report.Problem, "it expired on"},
		{"soon", 6 * 24 * time.Hour, report.Warning, "it expires on"},
		{"later", 8 * 24 * time.Hour, report.OK, "it expires on"},
		{"never", 0, report.OK, "it does not expire"},
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
			nowhere := at("127.0.0.1", natstest.FreePort(t))
			byFile, byText := nowhere, nowhere
			byFile.Creds = natstest.CredsFile(t, token, string(seed))
			byText.JWT, byText.Seed = token, string(seed)
			for _, connection := range []natsconn.Connection{byFile, byText} {
				e := examineSink(t, newNATS(t, "", func(n *NATS) { n.Connection = connection }), 1)
				e.Want(test.mark, "user JWT", test.words)
			}
		})
	}
}
