// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Suppress names the list of those who have withdrawn consent. An event of one of them is
// answered like any other and becomes nothing, and nothing of it is kept.
type Suppress struct {
	natsconn.Connection

	// The NATS KV bucket that lists them. Its keys are `user.`, `anon.` or `email.`
	// and the SHA-256 of the value in lower-case hexadecimal. Required.
	Bucket string `json:"bucket,omitempty"`

	// The JetStream domain of the bucket. Default: the server's own
	Domain string `json:"domain,omitempty"`
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (s *Suppress) validate() error {
	if s == nil {
		return nil
	}
	if !bucketName.MatchString(s.Bucket) {
		return errors.New("suppress needs the name of a NATS KV bucket: letters, digits, _ and -")
	}
	if err := s.Connection.Validate(); err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	return nil
}

// unmarshalSuppress reads the option:
//
//	suppress <bucket> {
//		domain <name>
//		<connection>
//	}
func (h *Handler) unmarshalSuppress(d *caddyfile.Dispenser) error {
	if h.Suppress != nil {
		return d.Err("suppress already specified")
	}
	args := d.RemainingArgs()
	if len(args) != 1 || args[0] == "" {
		return d.Err("wrong number of arguments: write suppress <bucket>")
	}
	h.Suppress = &Suppress{Bucket: args[0]}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		known, err := h.Suppress.unmarshalOption(d)
		if err != nil {
			return err
		}
		if !known {
			return d.Errf("unrecognized subdirective '%s' of suppress: write domain, %s", d.Val(), natsconn.OptionNames)
		}
	}
	if err := h.Suppress.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (s *Suppress) unmarshalOption(d *caddyfile.Dispenser) (known bool, err error) {
	if d.Val() != "domain" {
		return s.UnmarshalOption(d)
	}
	if s.Domain != "" {
		return true, d.Err("domain already specified")
	}
	args, err := arguments(d, 1, 1, "domain <name>")
	if err == nil {
		s.Domain = args[0]
		if err = natsconn.CheckDomain(s.Domain); err != nil {
			err = d.Err(err.Error())
		}
	}
	return true, err
}

// suppression is a handler's hold on its list.
type suppression struct {
	configured *Suppress

	mu      sync.Mutex
	ended   bool
	release func() // nil until the list is held
	list    atomic.Pointer[suppress.List]
}

// provisionSuppress reads neither network nor disk.
func (h *Handler) provisionSuppress() error {
	if h.Suppress == nil {
		return nil
	}
	if _, err := h.Suppress.Resolve(caddy.NewReplacer(), false); err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	if err := natsconn.CheckDomain(h.Suppress.Domain); err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	h.suppression = &suppression{configured: h.Suppress}
	h.decoder.Suppressed = h.suppression.has
	return nil
}

// firstReading is how long the start of a configuration waits for a list that was never
// read, so that no event has to be dropped where NATS answers.
const firstReading = 5 * time.Second

func (s *suppression) start() error {
	if s == nil {
		return nil
	}
	list, err := s.hold()
	if err != nil {
		return fmt.Errorf("suppress: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), firstReading)
	defer cancel()
	list.AwaitKnown(ctx)
	return nil
}

var errEnded = errors.New("the configuration has ended")

// hold acquires the list, once. A request may come before the start.
func (s *suppression) hold() (*suppress.List, error) {
	if list := s.list.Load(); list != nil {
		return list, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.list.Load(); list != nil || s.ended {
		if list == nil {
			return nil, errEnded
		}
		return list, nil
	}
	o, err := s.configured.options()
	if err != nil {
		return nil, err
	}
	list, err := suppress.Acquire(o, s.configured.Bucket)
	if err != nil {
		return nil, err
	}
	s.release = list.Release
	s.list.Store(list)
	return list, nil
}

func (s *Suppress) options() (natsconn.Options, error) {
	resolved, err := s.Resolve(caddy.NewReplacer(), true)
	return natsconn.Options{Connection: resolved, Domain: s.Domain}, err
}

// stop lets go of the list. Requests that are still under way see it as it was.
func (s *suppression) stop() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.release != nil {
		s.release()
		s.release = nil
	}
}

// has implements pixel.Suppressor.
func (s *suppression) has(kind pixel.PersonKind, value []byte) bool {
	list := s.list.Load()
	return list != nil && list.Has(kind, value)
}

// unknown tells whether nobody knows who is on the list.
func (s *suppression) unknown() bool {
	if s == nil {
		return false
	}
	list, err := s.hold()
	return err != nil || !list.Known()
}

// dropUnread drops an event of which nobody knows whether the person has withdrawn
// consent, and keeps nothing of it.
func (h *Handler) dropUnread(o *watch.Outcome, event *pixel.Event) {
	o.Source = event.Source
	event.Release()
	o.SetPlaceholders()
	for _, sink := range h.sinks {
		sinks.Dropped(sink.Sink, report.ErrConsentUnread)
		o.DroppedBy(sink.name, report.ErrConsentUnread)
	}
}
