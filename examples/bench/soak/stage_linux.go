// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

const (
	connections = 64

	// stream takes the events.
	stream = "soak"

	// onDisk is how many bytes of room are asked for each event of the outage.
	onDisk = 1000
)

// soak is a run of this program.
type soak struct {
	*rig.Stage
	options options
	spool   string // directory
	paths   string // file with the paths of the pixels
	nats    rig.BrokerConfig
	broker  *rig.Broker // nil while it is away
	caddy   *rig.Caddy

	answered int
}

// stage starts everything. What has been started has to be ended after an error,
// too.
func (s *soak) stage(ctx context.Context) (err error) {
	if s.Stage, err = rig.NewStage(ctx, s.options.dir, "segment-pixel-soak-"); err != nil {
		return err
	}
	if err := rig.Room(s.Dir, int64(s.options.rate*s.options.outage.Seconds())*onDisk+2<<30); err != nil {
		return err
	}
	payloads, err := rig.Payloads(1000, 300, 700)
	if err != nil {
		return err
	}
	s.paths, s.spool = filepath.Join(s.Dir, "paths"), filepath.Join(s.Dir, "spool")
	if err := rig.WritePaths(s.paths, payloads); err != nil {
		return err
	}
	s.nats = rig.BrokerConfig{Binary: s.Binaries.NATSServer, Dir: filepath.Join(s.Dir, "nats"), CPU: s.Rest}
	if s.broker, err = rig.StartBroker(ctx, s.nats); err != nil {
		return err
	}
	s.nats.Address = s.broker.Address
	// Events of which the acks are lost when NATS stops are sent again when it is
	// there, and are not to count twice then.
	window := s.options.outage + 5*time.Minute
	if err := s.broker.CreateStreamWithWindow(ctx, stream, window, stream+".>"); err != nil {
		return err
	}
	s.caddy, err = rig.StartCaddy(ctx, rig.CaddyConfig{
		Binary: s.Binaries.Caddy, Dir: filepath.Join(s.Dir, "caddy"), CPU: s.Measured, Site: s.site(),
	})
	return err
}

// site is that of Caddy. The disk was looked at, so the spool has no other limit.
func (s *soak) site() string {
	spool := fmt.Sprintf("spool %s {\n\t\t\tsync always\n\t\t\tmax_size 1TiB\n\t\t}", s.spool)
	return fmt.Sprintf("segment_pixel {\n\twrite_key %s web\n\t%s\n}", rig.WriteKey, rig.JetStream(s.broker.URL, stream, spool))
}

// end ends all processes and removes what they stored.
func (s *soak) end() error {
	var errs error
	if s.caddy != nil {
		errs = errors.Join(errs, s.caddy.Terminate())
	}
	if s.broker != nil {
		errs = errors.Join(errs, s.broker.Terminate())
	}
	if s.Stage != nil {
		errs = errors.Join(errs, s.Stage.End())
	}
	return errs
}
