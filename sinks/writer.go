// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func init() {
	caddy.RegisterModule(new(Writer))
}

// Writer writes each event as one line of JSON (NDJSON) to any of Caddy's log
// writers: standard output, a file that is rotated, a network address. An event is
// as safe as that writer makes it.
type Writer struct {
	// The log writer to write to, with its own options. Default: stdout
	WriterRaw json.RawMessage `json:"writer,omitempty" caddy:"namespace=caddy.logging.writers inline_key=output"`

	counted *meter.Meter
	active  atomic.Bool // from Start to Stop
	opener  caddy.WriterOpener
	discard bool
	limits  []string // of a file: what deletes events
	lease   lease[*lineWriter]
}

const writerName = "writer"

// CaddyModule returns the Caddy module information.
func (*Writer) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  Namespace + "." + writerName,
		New: func() caddy.Module { return new(Writer) },
	}
}

// Provision loads the log writer. It opens nothing.
func (w *Writer) Provision(ctx caddy.Context) error {
	w.opener = caddy.StdoutWriter{}
	if w.WriterRaw != nil {
		module, err := ctx.LoadModule(w, "WriterRaw")
		if err != nil {
			return fmt.Errorf("loading log writer: %w", err)
		}
		w.opener = module.(caddy.WriterOpener)
	}
	_, w.discard = w.opener.(*caddy.DiscardWriter)
	if file, ok := w.opener.(*logging.FileWriter); ok {
		w.limits = limitsOf(file)
		w.warnOfLimits(ctx.Logger())
	}
	w.lease.open = w.open
	w.counted = meter.Of(meter.Labels{Sink: writerName})
	return nil
}

// Start opens the writer.
func (w *Writer) Start(Site) error {
	if err := w.lease.start(); err != nil {
		return err
	}
	w.active.Store(true)
	return nil
}

// Stop closes the writer once no event is being written any more.
func (w *Writer) Stop() {
	w.active.Store(false)
	w.lease.stop()
}

// meter implements metered.
func (w *Writer) meter() *meter.Meter { return w.counted }

// Status implements Reporter.
func (w *Writer) Status() report.Status {
	status := report.Status{Output: w.opener.String(), Ready: w.active.Load(), Counts: w.counted.Counts()}
	if !status.Ready {
		status.AddProblem("sink", "", report.NotRunning)
	}
	return status
}

// writers holds the open writers of every configuration, so that two of them
// never write to one file through two descriptors.
var writers = caddy.NewUsagePool()

func (w *Writer) open() (*lineWriter, func(), error) {
	key := w.opener.WriterKey()
	pooled, _, err := writers.LoadOrNew(key, func() (caddy.Destructor, error) {
		out, err := w.opener.OpenWriter()
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", w.opener, err)
		}
		return newLineWriter(out), nil
	})
	if err != nil {
		return nil, nil, err
	}
	return pooled.(*lineWriter), func() { _, _ = writers.Delete(key) }, nil
}

// Publish writes the event's line.
func (w *Writer) Publish(_ context.Context, event *pixel.Event) error {
	if !w.discard {
		if err := w.lease.use(func(lines *lineWriter) error {
			return lines.write(event.Body)
		}); err != nil {
			return err
		}
	}
	w.counted.Sent(1)
	return nil
}

// UnmarshalCaddyfile sets up the sink from Caddyfile tokens. Syntax:
//
//	sink writer <output> [<args...>] {
//		<options of that writer...>
//	}
//
// The outputs are those of Caddy's log directive: stdout, stderr, discard, file,
// net and what plugins add.
func (w *Writer) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume sink name
	if !d.NextArg() {
		return d.Err("sink writer needs an output: write stdout, stderr, file <filename> or net <address>")
	}
	name := d.Val()
	var opener caddy.WriterOpener
	switch name {
	// Caddy's own package cannot implement caddyfile.Unmarshaler.
	case "stdout":
		opener = caddy.StdoutWriter{}
	case "stderr":
		opener = caddy.StderrWriter{}
	case "discard":
		opener = caddy.DiscardWriter{}
	default:
		id := "caddy.logging.writers." + name
		if _, err := caddy.GetModule(id); err != nil {
			return d.Errf("there is no output '%s': write stdout, stderr, discard, file <filename> or net <address>, or build Caddy with the plugin that has it", name)
		}
		module, err := caddyfile.UnmarshalModule(d, id)
		if err != nil {
			return err
		}
		var ok bool
		if opener, ok = module.(caddy.WriterOpener); !ok {
			return d.Errf("module %s (%T) is not a log writer", id, module)
		}
		w.WriterRaw = caddyconfig.JSONModuleObject(opener, "output", name, nil)
		return nil
	}
	w.WriterRaw = caddyconfig.JSONModuleObject(opener, "output", name, nil)
	if d.NextArg() {
		return d.Errf("output %s takes no argument: unexpected '%s'", name, d.Val())
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		return d.Errf("output %s has no options: unexpected '%s'", name, d.Val())
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Writer)(nil)
	_ caddyfile.Unmarshaler = (*Writer)(nil)
	_ Sink                  = (*Writer)(nil)
	_ Starter               = (*Writer)(nil)
	_ Reporter              = (*Writer)(nil)
	_ metered               = (*Writer)(nil)
)
