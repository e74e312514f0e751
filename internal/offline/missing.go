// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
)

// Missing is a part of a handler that could not be provisioned here, such as for want of
// a variable or a file that only the service has.
type Missing struct {
	Option string // that of the configuration
	Sink   int    // its place, or [NotSink]
	Err    error
}

// KeyFiles is the option of the files with write keys.
const KeyFiles = "write_key_files"

// NotSink stands for the place of what is no sink.
const NotSink = -1

// nobodysKey stands for write keys where only what is beside them is tried.
const nobodysKey = `[{"key":"\u0000","source":"nobody"}]`

// discarding stands in the place of a sink that is missing.
const discarding = `{"sink":"writer","writer":{"output":"discard"}}`

// MissingSink returns why a sink is missing; nil if it is there.
func (h *Handler) MissingSink(n int) error {
	for _, m := range h.Missing {
		if m.Sink == n {
			return m.Err
		}
	}
	return nil
}

// provision loads the handler, without what cannot be had here. An error is one of the
// rest: that would be the same anywhere.
func (h *Handler) provision(ctx caddy.Context) error {
	raw, unset := withoutUnset(withMaxEventSize(h.raw, h.Server.MaxHeaderBytes))
	h.Unset = unset
	var err error
	if h.Handler, err = load(ctx, raw); err == nil {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return err
	}
	h.tryMembers(ctx, members)
	h.trySinks(ctx, members)
	if len(h.Missing) == 0 {
		return err
	}
	if raw, err = json.Marshal(members); err != nil {
		return err
	}
	h.Handler, err = load(ctx, raw)
	return err
}

// tryMembers removes what may need the service.
func (h *Handler) tryMembers(ctx caddy.Context, members map[string]json.RawMessage) {
	for _, name := range []string{KeyFiles, "seal", "suppress"} {
		if members[name] == nil {
			continue
		}
		if err := try(ctx, map[string]json.RawMessage{name: members[name]}); err != nil {
			h.Missing = append(h.Missing, Missing{name, NotSink, err})
			delete(members, name)
			if members["write_keys"] == nil && members[KeyFiles] == nil {
				members["write_keys"] = json.RawMessage(nobodysKey)
			}
		}
	}
}

// trySinks puts something into the place of sinks that may need the service.
func (h *Handler) trySinks(ctx caddy.Context, members map[string]json.RawMessage) {
	var sinks []json.RawMessage
	if json.Unmarshal(members["sinks"], &sinks) != nil {
		return
	}
	for n, sink := range sinks {
		if err := try(ctx, map[string]json.RawMessage{"sinks": slices.Concat([]byte("["), sink, []byte("]"))}); err != nil {
			h.Missing = append(h.Missing, Missing{"sink " + sinkName(sink), n, err})
			sinks[n] = json.RawMessage(discarding)
		}
	}
	members["sinks"], _ = json.Marshal(sinks) // It was JSON before.
}

// try provisions a part of a handler alone.
func try(ctx caddy.Context, members map[string]json.RawMessage) error {
	members["write_keys"] = json.RawMessage(nobodysKey)
	raw, err := json.Marshal(members)
	if err != nil {
		return err
	}
	_, err = load(ctx, raw)
	return shortened(err)
}

// shortened leaves out which module has loaded which: the option says where it is.
func shortened(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if at := strings.LastIndex(text, handlers.ID); at >= 0 {
		if _, rest, found := strings.Cut(text[at:], ": "); found {
			return errors.New(rest)
		}
	}
	return err
}

func load(ctx caddy.Context, raw json.RawMessage) (handlers.Handler, error) {
	module, err := ctx.LoadModuleByID(handlers.ID, bytes.Clone(raw))
	if err != nil {
		return nil, err
	}
	return handlers.Of(module), nil
}

// AnySink stands for the option of all sinks.
const AnySink = "sink"

// Require returns why an option of one of the handlers cannot be had here, if it cannot. It
// is for commands that would act on another in its place.
func Require(all []Handler, option string) error {
	for i := range all {
		for _, m := range all[i].Missing {
			if m.Option == option || option == AnySink && m.Sink != NotSink {
				return fmt.Errorf("%s cannot be had here (%w): %s", m.Option, m.Err, AsService)
			}
		}
	}
	return nil
}

// WarnOfMissing says on a line each what the handlers cannot decode with here, and how to
// have it.
func WarnOfMissing(w io.Writer, all []Handler) {
	var said []string
	say := func(what string) {
		if !slices.Contains(said, what) {
			said = append(said, what)
			_, _ = fmt.Fprintf(w, "%s: %s\n", what, AsService)
		}
	}
	for i := range all {
		if unset := all[i].Unset; len(unset) > 0 {
			say(strings.Join(unset, ", ") + " is not set here, so its write keys are taken for unknown")
		}
		for _, m := range all[i].Missing {
			if m.Sink == NotSink {
				say(fmt.Sprintf("%s is left out, as it cannot be had here (%v)", m.Option, m.Err))
			}
		}
	}
}
