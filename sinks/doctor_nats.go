// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// soon is how long before something expires it is spoken of.
const soon = 7 * 24 * time.Hour

// natsExamination looks at NATS with the eyes of one sink.
type natsExamination struct {
	checkList
	*probe
	maxEventSize int64
	subject      string // with wildcards
	// rejected is the prefix of rejected requests, empty if there is none.
	rejected string
}

// examination says what is to be looked at.
type examination struct {
	Connection   Connection
	Subject      string // with wildcards
	Rejected     string // the prefix of rejected requests, empty if there is none
	MaxEventSize int    // of the handler, in bytes

	// What follows is for the jetstream sink.
	Domain string
	Stream *Stream
	Spool  *examinedSpool
}

// examinedSpool is the spool of a jetstream sink, as far as it is configured well.
type examinedSpool struct {
	Off     bool
	Options spool.Options
	Err     error // why there are no options
}

func newNATSExamination(x *examination) *natsExamination {
	return &natsExamination{maxEventSize: int64(x.MaxEventSize), subject: x.Subject, rejected: x.Rejected}
}

// examineNATS looks at what the nats sink needs.
func examineNATS(ctx context.Context, x *examination) []Check {
	e := newNATSExamination(x)
	defer e.close()
	if !e.reach(ctx, x.Connection, "") {
		e.skipped("permissions", "", "not looked at, since NATS was not reached")
		return e.checkList
	}
	e.permissions(ctx)
	e.payload(e.nc.MaxPayload(), "")
	return e.checkList
}

func (e *natsExamination) close() {
	if e.probe != nil {
		e.probe.close()
	}
}

// reach checks the options and every server, and keeps a connection to the first
// that lets us in.
func (e *natsExamination) reach(ctx context.Context, configured Connection, domain string) bool {
	first, err := newProbe(configured, domain)
	if err != nil {
		e.problem("connection options", "correct the option, or run this with the environment and as the user of the service", "%v", err)
		return false
	}
	e.expiry(&first.options.Connection)
	urls, err := first.servers()
	if err != nil {
		e.problem("connection options", "correct the NATS CLI context", "context %s: %s", configured.Context, first.scrub(err))
		return false
	}
	// What comes after the connection needs time as well.
	ctx, cancel := halfOf(ctx)
	defer cancel()
	tries := make([]serverTry, len(urls))
	var all sync.WaitGroup
	for i, url := range urls {
		tries[i] = serverTry{url: url, probe: &probe{options: first.options, log: first.log}}
		all.Go(func() { tries[i].network, tries[i].err = tries[i].connect(ctx, []string{url}) })
	}
	all.Wait()
	for i := range tries {
		if t := &tries[i]; t.err == nil && e.probe == nil {
			e.probe = t.probe
		} else {
			defer t.close()
		}
	}
	for i := range tries {
		e.server(&tries[i])
	}
	return e.probe != nil
}

// halfOf ends when half of the context's time is over.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}

func (e *natsExamination) server(t *serverTry) {
	name := "NATS " + t.log.scrubText(t.url)
	if u, err := parseServer(t.url); err == nil {
		u.User = nil
		name = "NATS " + u.String()
	}
	if t.err == nil {
		e.ok(name, "connected to %s, version %s%s", t.nc.ConnectedServerName(), t.nc.ConnectedServerVersion(), e.encryption(t.nc, name))
		return
	}
	found, remedy := t.explain()
	mark := Problem
	if e.probe != nil {
		mark = Warning // another one answers
	}
	e.add(mark, name, remedy, "%s", found)
}

// encryption describes it, and checks the certificate that the server has shown.
func (e *natsExamination) encryption(nc *nats.Conn, name string) string {
	state, err := nc.TLSConnectionState()
	if err != nil || len(state.PeerCertificates) == 0 {
		return ", without TLS"
	}
	end := state.PeerCertificates[0].NotAfter
	if time.Until(end) < soon {
		e.warning(name, "renew it before then: nothing can connect afterwards", "the server's certificate ends %s", day(end))
	}
	return ", with TLS"
}

// payload compares the limit of a message with the events that the handler accepts.
// It is the server's unless a stream has a smaller one.
func (e *natsExamination) payload(limit int64, stream string) {
	const name = "message size"
	event := e.maxEventSize
	whose, raise := "the server", "raise max_payload in the configuration of the server to "+size(event+envelopeRoom)
	if stream != "" {
		whose, raise = stream, fmt.Sprintf("nats stream edit %s --max-msg-size %d", stream, event+envelopeRoom)
	}
	switch {
	case limit <= 0:
		e.ok(name, "%s sets no limit", whose)
	case limit < event:
		e.warning(name, raise+", or lower max_event_size here",
			"%s takes messages of at most %s, the handler events of %s: larger ones are lost",
			whose, size(limit), size(event))
	case limit < event+envelopeRoom:
		e.warning(name, raise+", or lower max_event_size here",
			"%s takes messages of at most %s: an event of %s, the most that the handler accepts, may become larger by what the handler adds",
			whose, size(limit), size(event))
	default:
		e.ok(name, "%s takes messages of up to %s, the handler events of %s", whose, size(limit), size(event))
	}
}

func size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }

func day(t time.Time) string { return "on " + t.UTC().Format("2006-01-02 15:04 MST") }
