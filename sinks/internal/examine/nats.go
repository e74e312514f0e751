// SPDX-License-Identifier: Apache-2.0

package examine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/stream"
)

// soon is how long before something expires it is spoken of.
const soon = 7 * 24 * time.Hour

// natsExamination looks at NATS with the eyes of one sink.
type examination struct {
	report.CheckList
	*natsconn.Probe
	maxEventSize int64
	subject      string // with wildcards
	// rejected is the prefix of rejected requests, empty if there is none.
	rejected string
}

// Subject says what is to be looked at.
type Subject struct {
	Connection   natsconn.Connection
	Subject      string // with wildcards
	Rejected     string // the prefix of rejected requests, empty if there is none
	MaxEventSize int    // of the handler, in bytes

	// What follows is for the jetstream sink.
	Domain string
	Stream *stream.Stream
	Spool  *Spool
}

// Spool is the spool of a jetstream sink, as far as it is configured well.
type Spool struct {
	Off     bool
	Options spool.Options
	Err     error // why there are no options
}

func newNATSExamination(x *Subject) *examination {
	return &examination{maxEventSize: int64(x.MaxEventSize), subject: x.Subject, rejected: x.Rejected}
}

// NATS looks at what the nats sink needs.
func NATS(ctx context.Context, x *Subject) []report.Check {
	e := newNATSExamination(x)
	defer e.close()
	if !e.reach(ctx, x.Connection, "") {
		e.Skipped("permissions", "", "not looked at, since NATS was not reached")
		return e.CheckList
	}
	e.permissions(ctx)
	e.payload(e.Nc.MaxPayload(), "")
	return e.CheckList
}

// Connection looks at the way to NATS alone, and keeps it open.
func Connection(ctx context.Context, c natsconn.Connection, domain string) ([]report.Check, *natsconn.Probe) {
	e := new(examination)
	e.reach(ctx, c, domain)
	return e.CheckList, e.Probe
}

func (e *examination) close() {
	if e.Probe != nil {
		e.Probe.Close()
	}
}

// reach checks the options and every server, and keeps a connection to the first
// that lets us in.
func (e *examination) reach(ctx context.Context, configured natsconn.Connection, domain string) bool {
	first, err := natsconn.NewProbe(configured, domain)
	if err != nil {
		e.Problem("connection options", "correct the option, or run this with the environment and as the user of the service", "%v", err)
		return false
	}
	e.expiry(&first.Options.Connection)
	urls, err := first.Servers()
	if err != nil {
		e.Problem("connection options", "correct the NATS CLI context", "context %s: %s", configured.Context, first.Scrub(err))
		return false
	}
	// What comes after the connection needs time as well.
	ctx, cancel := halfOf(ctx)
	defer cancel()
	tries := make([]natsconn.ServerTry, len(urls))
	var all sync.WaitGroup
	for i, url := range urls {
		tries[i] = natsconn.ServerTry{URL: url, Probe: &natsconn.Probe{Options: first.Options, Log: first.Log}}
		all.Go(func() { tries[i].Network, tries[i].Err = tries[i].Connect(ctx, []string{url}) })
	}
	all.Wait()
	for i := range tries {
		if t := &tries[i]; t.Err == nil && e.Probe == nil {
			e.Probe = t.Probe
		} else {
			defer t.Close()
		}
	}
	for i := range tries {
		e.server(&tries[i])
	}
	return e.Probe != nil
}

// halfOf ends when half of the context's time is over.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}

func (e *examination) server(t *natsconn.ServerTry) {
	name := "NATS " + t.Log.ScrubText(t.URL)
	if u, err := natsconn.ParseServer(t.URL); err == nil {
		u.User = nil
		name = "NATS " + u.String()
	}
	if t.Err == nil {
		e.OK(name, "connected to %s, version %s%s", t.Nc.ConnectedServerName(), t.Nc.ConnectedServerVersion(), e.encryption(t.Nc, name))
		return
	}
	found, remedy := t.Explain()
	mark := report.Problem
	if e.Probe != nil {
		mark = report.Warning // another one answers
	}
	e.Add(mark, name, remedy, "%s", found)
}

// encryption describes it, and checks the certificate that the server has shown.
func (e *examination) encryption(nc *nats.Conn, name string) string {
	state, err := nc.TLSConnectionState()
	if err != nil || len(state.PeerCertificates) == 0 {
		return ", without TLS"
	}
	end := state.PeerCertificates[0].NotAfter
	if time.Until(end) < soon {
		e.Warning(name, "renew it before then: nothing can connect afterwards", "the server's certificate ends %s", day(end))
	}
	return ", with TLS"
}

// payload compares the limit of a message with the events that the handler accepts.
// It is the server's unless a stream has a smaller one.
func (e *examination) payload(limit int64, ofStream string) {
	const check = "message size"
	event := e.maxEventSize
	whose, raise := "the server", "raise max_payload in the configuration of the server to "+size(event+stream.EnvelopeRoom)
	if ofStream != "" {
		whose, raise = ofStream, fmt.Sprintf("nats stream edit --force %s --max-msg-size %d", ofStream, event+stream.EnvelopeRoom)
	}
	switch {
	case limit <= 0:
		e.OK(check, "%s sets no limit", whose)
	case limit < event:
		e.Warning(check, raise+", or lower max_event_size here",
			"%s takes messages of at most %s, the handler events of %s: larger ones are lost",
			whose, size(limit), size(event))
	case limit < event+stream.EnvelopeRoom:
		e.Warning(check, raise+", or lower max_event_size here",
			"%s takes messages of at most %s: an event of %s, the most that the handler accepts, may become larger by what the handler adds",
			whose, size(limit), size(event))
	default:
		e.OK(check, "%s takes messages of up to %s, the handler events of %s", whose, size(limit), size(event))
	}
}

func size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }

func day(t time.Time) string { return "on " + t.UTC().Format("2006-01-02 15:04 MST") }
