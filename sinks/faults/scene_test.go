// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// scene is all that takes part in one row.
type scene struct {
	broker *broker
	proxy  *proxy // in front of NATS, if the row wants one
	lanes  []*lane
}

// setting is what a row wants of its scene.
type setting struct {
	cluster bool
	proxied bool

	noSpool    bool
	disk       string // the file system that the spool has for itself, if it has one
	spoolSize  string // default 1GiB
	ackTimeout string // default 5s
	faster     int    // times the rate, 0 for once
}

// stage starts everything but the load.
func stage(t *testing.T, set setting, servers *brokers) (*scene, error) {
	t.Helper()
	dir := t.TempDir()
	s := new(scene)
	var err error
	if s.broker, err = servers.get(set.cluster); err != nil {
		return nil, err
	}
	t.Cleanup(func() { servers.giveBack(s.broker, set.cluster, t.Failed()) })
	urls := s.broker.urls()
	if set.proxied {
		if s.proxy, err = startProxy(s.broker.servers[0].address); err != nil {
			return nil, err
		}
		t.Cleanup(s.proxy.end)
		urls = []string{"nats://" + s.proxy.address}
	}
	for _, w := range ways() {
		spool := spoolOptions{off: set.noSpool, maxSize: or(set.spoolSize, "1GiB"), sync: *syncFlag}
		config := caddyfile{way: w, servers: urls, ackTimeout: or(set.ackTimeout, "5s"), spool: spool, greeting: "ready"}
		caddy, err := newCaddy(filepath.Join(dir, string(w)), config)
		if err != nil {
			return nil, err
		}
		if set.disk != "" {
			if err := mountDisk(t, set.disk, spoolDisk(caddy)); err != nil {
				return nil, err
			}
		}
		s.lanes = append(s.lanes, &lane{way: w, broker: s.broker, caddy: caddy, reader: streamReader{broker: s.broker, way: w}})
	}
	t.Cleanup(s.end)
	return s, s.each(func(l *lane) error {
		if err := s.broker.createStream(l.way); err != nil {
			return err
		}
		return l.caddy.begin()
	})
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// each does something in all lanes at once.
func (s *scene) each(do func(*lane) error) error {
	return inParallel(s.lanes, do)
}

// startLoad waits for the first answers, too.
func (s *scene) startLoad(set setting) error {
	for _, l := range s.lanes {
		l.load = startLoad(l.caddy.address, rate()*max(set.faster, 1))
	}
	return s.answersFor(choose(500*time.Millisecond, 5*time.Second))
}

// answersFor waits until as many pixels have been answered as are sent in this
// time.
func (s *scene) answersFor(d time.Duration) error {
	more := int(d.Seconds() * float64(rate()))
	return s.each(func(l *lane) error { return l.answers(more) })
}

// lasts lets a fault last. It sleeps because a fault is defined by how long it lasts,
// compared with the timeouts of Caddy and NATS, and not by an event.
func (s *scene) lasts(short, long time.Duration) error {
	time.Sleep(choose(short, long))
	return nil
}

// quietly does something while no pixel is under way.
func (s *scene) quietly(do func() error) error {
	for _, l := range s.lanes {
		l.load.pause()
		defer l.load.resume()
	}
	return do()
}

func (s *scene) recovers() error {
	return s.each((*lane).recovers)
}

func (s *scene) restartCaddies() error {
	return s.each(func(l *lane) error { return l.caddy.start() })
}

func (s *scene) end() {
	for _, l := range s.lanes {
		l.end()
	}
}

// inOrder does one step after the other until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// times does the steps again and again.
func times(n int, steps ...func() error) error {
	var errs error
	for range n {
		errs = errors.Join(errs, inOrder(steps...))
	}
	return errs
}
