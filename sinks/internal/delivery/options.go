// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/args"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// Spool says where events are kept on disk until the stream has acknowledged them.
type Spool struct {
	// Turns the spool off: a pixel is then answered when the stream has acknowledged
	// its event, and the event is dropped if that takes longer than ack_timeout.
	// Default: false
	Off bool `json:"off,omitempty"`

	// The directory. No process but this may use it, and only sinks that are alike.
	// Default: a directory for this sink in segment_pixel of Caddy's data directory;
	// its name depends on servers, context, domain, user, creds, nkey, stream and
	// subject, so a sink for which one of these changes begins another spool.
	Directory string `json:"directory,omitempty"`

	// How many bytes the files may take; when they do, events are published
	// directly or, if NATS is away, dropped and counted. At least 1 MiB.
	// Default: 10 GiB
	MaxSize int64 `json:"max_size,omitempty"`

	// When events are forced to the disk: "always" does it before the pixel is
	// answered, once for all events that have gathered, so that they survive a
	// power cut; a duration such as "10ms" does it as often as that; "off" leaves
	// it to the operating system, and events then survive a crash of Caddy, but not
	// one of the machine. Default: always
	Sync string `json:"sync,omitempty"`
}

// What a spool may take, in bytes: by default, and at the least.
const (
	DefaultSize = 10 << 30
	MinSize     = 1 << 20

	syncAlways = "always"
	syncOff    = "off"
)

// IsOff works without a Spool, which means the defaults.
func (s *Spool) IsOff() bool { return s != nil && s.Off }

// Validate works without a Spool as well, which means the defaults.
func (s *Spool) Validate() error {
	if s == nil {
		return nil
	}
	if s.Off && (s.Directory != "" || s.MaxSize != 0 || s.Sync != "") {
		return errors.New("spool is off and has options: remove one of them")
	}
	if s.MaxSize != 0 && s.MaxSize < MinSize {
		return fmt.Errorf("max_size of the spool is %d bytes: write 1MiB or more", s.MaxSize)
	}
	_, err := ParseSync(s.Sync)
	return err
}

func checkSync(text string) error {
	_, err := ParseSync(text)
	return err
}

// ParseSync reads the option sync.
func ParseSync(text string) (time.Duration, error) {
	switch text {
	case "", syncAlways:
		return spool.SyncAlways, nil
	case syncOff:
		return spool.SyncOff, nil
	}
	interval, err := caddy.ParseDuration(text)
	if err != nil || interval <= 0 {
		return 0, fmt.Errorf("sync is %q: write always, off or an interval such as 10ms", text)
	}
	return interval, nil
}

// SyncText is the opposite of parseSync.
func SyncText(sync time.Duration) string {
	switch sync {
	case spool.SyncAlways:
		return syncAlways
	case spool.SyncOff:
		return syncOff
	}
	return sync.String()
}

// ResolveDirectory gives a directory one name, whichever way it is reached, and also
// before it exists.
func ResolveDirectory(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rest := ""
	for parent := dir; ; parent = filepath.Dir(parent) {
		if resolved, err := filepath.EvalSymlinks(parent); err == nil {
			return filepath.Join(resolved, rest), nil
		}
		if parent == filepath.Dir(parent) {
			return dir, nil
		}
		rest = filepath.Join(filepath.Base(parent), rest)
	}
}

// DefaultParent is the directory that spools have theirs in by default.
func DefaultParent() string {
	return filepath.Join(caddy.AppDataDir(), "segment_pixel")
}

// UnmarshalBlock reads the spool subdirective that the dispenser stands on.
func (s *Spool) UnmarshalBlock(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	switch {
	case len(args) > 1 || len(args) == 1 && args[0] == "":
		return d.Err("spool takes at most one argument: write it as 'spool off' or 'spool [<dir>]', with or without a block")
	case len(args) == 1 && args[0] == "off":
		s.Off = true
	case len(args) == 1 && isSwitch(args[0]):
		return d.Errf("spool %s: write 'spool off', or './%[1]s' for a directory of that name; a spool is on without being told", args[0])
	case len(args) == 1:
		s.Directory = args[0]
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if s.Off {
			return d.Err("spool is off: remove its block, or the word off")
		}
		if err := s.unmarshalOption(d); err != nil {
			return err
		}
	}
	return nil
}

// isSwitch tells whether somebody takes the name of a directory for a switch.
func isSwitch(arg string) bool {
	return slices.Contains([]string{"on", "off", "yes", "no", "true", "false"}, strings.ToLower(arg))
}

func (s *Spool) unmarshalOption(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "max_size":
		if err := args.Size(d, &s.MaxSize); err != nil {
			return err
		}
		if err := s.Validate(); err != nil {
			return d.WrapErr(err)
		}
		return nil
	case "sync":
		return args.Checked(d, "always|off|<interval>", &s.Sync, checkSync)
	}
	return d.Errf("unrecognized subdirective '%s' of spool: write max_size or sync", d.Val())
}
