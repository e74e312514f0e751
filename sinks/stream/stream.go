// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/args"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// Stream names a stream and, if wanted, says how to create it.
type Stream struct {
	// The name of the stream. Required.
	Name string `json:"name,omitempty"`

	// How to create the stream when there is none of this name. Default: it is
	// not created.
	Create *Create `json:"create,omitempty"`
}

// Create says what a created stream is like. A stream that exists is left
// as it is.
type Create struct {
	// The subjects that the stream takes. Default: those that the sink's subject
	// template can produce.
	Subjects []string `json:"subjects,omitempty"`

	// "file" or "memory". Default: file
	Storage string `json:"storage,omitempty"`

	// How many servers keep a copy. Default: 1
	Replicas int `json:"replicas,omitempty"`

	// How many bytes the stream keeps. Default: no limit but the server's
	MaxBytes int64 `json:"max_bytes,omitempty"`

	// How long the stream keeps an event. Default: for ever
	MaxAge caddy.Duration `json:"max_age,omitempty"`

	// What happens when the stream is full: "new" refuses the new event, which
	// is seen and can be mended; "old" drops the oldest one. Default: new
	Discard string `json:"discard,omitempty"`

	// For how long a repeated message id is recognised. Default: 5m
	DuplicateWindow caddy.Duration `json:"duplicate_window,omitempty"`
}

const defaultDuplicateWindow = 5 * time.Minute

// Validate checks a stream for a sink that publishes to the subject.
func (s *Stream) Validate(subject string) error {
	if err := s.validateName(); err != nil {
		return err
	}
	if s.Create == nil {
		return nil
	}
	return s.Create.validate(subject)
}

func (s *Stream) validateName() error {
	if s.Name == "" {
		return errors.New("stream needs a name")
	}
	if subject.SafeToken(s.Name) != s.Name || strings.ContainsAny(s.Name, `/\`) {
		return fmt.Errorf("stream name %q must not hold dots, wildcards, slashes, spaces or characters outside of ASCII", s.Name)
	}
	return nil
}

func (c *Create) validate(subject string) error {
	if err := checkStorage(c.Storage); err != nil {
		return err
	}
	if err := checkDiscard(c.Discard); err != nil {
		return err
	}
	if err := checkReplicas(c.Replicas); err != nil {
		return err
	}
	if c.MaxBytes < 0 || c.MaxAge < 0 || c.DuplicateWindow < 0 {
		return errors.New("max_bytes, max_age and duplicate_window must not be negative")
	}
	const shortest = caddy.Duration(100 * time.Millisecond) // the server's own limit
	if c.MaxAge > 0 && c.MaxAge < shortest || c.DuplicateWindow > 0 && c.DuplicateWindow < shortest {
		return errors.New("max_age and duplicate_window must be 100ms or longer")
	}
	return c.validateSubjects(subject)
}

func (c *Create) validateSubjects(events string) error {
	covered := len(c.Subjects) == 0
	for i, s := range c.Subjects {
		if err := subject.CheckFilter(s); err != nil {
			return fmt.Errorf("the stream's subject %q %w", s, err)
		}
		for _, other := range c.Subjects[:i] {
			if subject.Overlap(s, other) {
				return fmt.Errorf("the stream's subjects %s and %s overlap: remove one of them", other, s)
			}
		}
		covered = covered || subject.Covers(s, events)
	}
	if !covered {
		return fmt.Errorf("none of the subjects of the stream covers %s, where events are published", events)
	}
	return nil
}

func checkStorage(storage string) error {
	switch storage {
	case "", "file", "memory":
		return nil
	}
	return fmt.Errorf("storage is %q: write file or memory", storage)
}

func checkReplicas(replicas int) error {
	if replicas < 0 || replicas > 5 {
		return fmt.Errorf("replicas is %d: write 1 to 5", replicas)
	}
	return nil
}

func checkDiscard(discard string) error {
	switch discard {
	case "", "new", "old":
		return nil
	}
	return fmt.Errorf("discard is %q: write new or old", discard)
}

// Config is what the server is asked to create for a sink that publishes to the
// subject.
func (s *Stream) Config(subject string) jetstream.StreamConfig {
	c := s.Create
	config := jetstream.StreamConfig{
		Name:              s.Name,
		Description:       "events of the Caddy handler segment_pixel",
		Subjects:          c.Subjects,
		Storage:           jetstream.FileStorage,
		Replicas:          max(c.Replicas, 1),
		MaxBytes:          -1,
		MaxAge:            time.Duration(c.MaxAge),
		Discard:           jetstream.DiscardNew,
		Duplicates:        time.Duration(c.DuplicateWindow),
		AllowBatchPublish: true,
	}
	if len(config.Subjects) == 0 {
		config.Subjects = []string{subject}
	}
	if c.Storage == "memory" {
		config.Storage = jetstream.MemoryStorage
	}
	if c.MaxBytes > 0 {
		config.MaxBytes = c.MaxBytes
	}
	if c.Discard == "old" {
		config.Discard = jetstream.DiscardOld
	}
	if config.Duplicates == 0 {
		config.Duplicates = defaultDuplicateWindow
	}
	// The server refuses a window that is longer than the age of its messages.
	if config.MaxAge > 0 {
		config.Duplicates = min(config.Duplicates, config.MaxAge)
	}
	return config
}

// UnmarshalBlock reads the stream subdirective that the dispenser stands on.
func (s *Stream) UnmarshalBlock(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 1 || args[0] == "" {
		return d.Err("stream takes exactly one name: write it as 'stream <name>', with or without a block")
	}
	s.Name = args[0]
	if err := s.validateName(); err != nil {
		return d.WrapErr(err)
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != "create" {
			return d.Errf("unrecognized subdirective '%s' of stream: only create is known", d.Val())
		}
		if s.Create != nil {
			return d.Err("create already specified")
		}
		s.Create = new(Create)
		if err := s.Create.unmarshalBlock(d); err != nil {
			return err
		}
	}
	return nil
}

func (c *Create) unmarshalBlock(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Errf("create takes no argument, but a block: unexpected '%s'", d.Val())
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := c.unmarshalOption(d); err != nil {
			return err
		}
	}
	return nil
}

func (c *Create) unmarshalOption(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "subjects":
		if len(c.Subjects) > 0 {
			return d.Err("subjects already specified")
		}
		args, err := args.Arguments(d, "<subjects...>")
		c.Subjects = args
		return err
	case "storage":
		return args.Checked(d, "file|memory", &c.Storage, checkStorage)
	case "discard":
		return args.Checked(d, "new|old", &c.Discard, checkDiscard)
	case "replicas":
		if err := args.Int(d, &c.Replicas); err != nil {
			return err
		}
		if err := checkReplicas(c.Replicas); err != nil {
			return d.WrapErr(err)
		}
		return nil
	case "max_bytes":
		return args.Size(d, &c.MaxBytes)
	case "max_age":
		return args.Duration(d, &c.MaxAge)
	case "duplicate_window":
		return args.Duration(d, &c.DuplicateWindow)
	default:
		return d.Errf("unrecognized subdirective '%s' of create: "+
			"write subjects, storage, replicas, max_bytes, max_age, discard or duplicate_window", d.Val())
	}
}
