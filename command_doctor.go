// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

const defaultDoctorTimeout = 5 * time.Second

func newDoctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [--config <path> [--adapter <name>]] [--address <interface>] [--json] [--timeout <duration>]",
		Short: "Checks everything that a pixel needs to be delivered",
		Long: `
Looks at what stands between a pixel and the stream that is to store it: write
keys, the limits of a request, NATS with its login and permissions, JetStream,
the stream, the spool and its disk. Each line says what was found, and what to do
about it if anything. Nothing is changed and nothing is published, so it can be
used beside a Caddy that runs.

The configuration is that of --config or, without it, of the Caddyfile in the
current folder. If --address is given and --config is not, or there is no
Caddyfile, it is that of the Caddy whose admin API has this address
(localhost:2019 by default), which is also asked what it has seen.

Run it as the user of the service and with its environment: both matter, to files
as to placeholders.

A problem keeps events from being delivered. A warning does not, or not yet, such as
what a Caddy that is ready nevertheless reports.

Exit status: 0 if there is no problem, although there may be warnings; 5 if there
is one; 1 if it could not be run.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringP("config", "c", "", "Configuration file")
	cmd.Flags().StringP("adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().String("address", "", "The address of the admin API of the Caddy that runs")
	cmd.Flags().Bool("json", false, "Print the result as JSON")
	cmd.Flags().Duration("timeout", defaultDoctorTimeout, "How long to wait for each sink and for Caddy")
	cmd.RunE = commandFunc(runDoctor)
	return cmd
}

func runDoctor(cmd *cobra.Command, _ []string) (int, error) {
	flags, out := caddycmd.Flags{FlagSet: cmd.Flags()}, cmd.OutOrStdout()
	d := doctor{ctx: cmd.Context(), timeout: flags.Duration("timeout")}
	if d.timeout <= 0 {
		return caddy.ExitCodeFailedStartup, errors.New("--timeout must be positive")
	}
	config, err := d.load(flags)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	defer config.release()
	d.askCaddy()
	for i, h := range config.handlers {
		d.handler(i, h)
	}
	d.sinks(config.handlers)
	d.running()

	if flags.Bool("json") {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(d.report()); err != nil {
			return caddy.ExitCodeFailedStartup, err
		}
	} else if _, err := io.WriteString(out, d.String()); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	if d.count(sinks.Problem) > 0 {
		return exitProblem, nil
	}
	return caddy.ExitCodeSuccess, nil
}

// doctor gathers what it finds, by what it is about.
type doctor struct {
	ctx     context.Context
	timeout time.Duration
	address string // of the Caddy that runs, empty if its admin API is off
	status  *runningStatus
	trouble error // why there is no status
	found   []diagnosis
}

// diagnosis is all that was found about one thing.
type diagnosis struct {
	about  string
	checks []sinks.Check
}

func (d *doctor) load(flags caddycmd.Flags) (*configuration, error) {
	file, address := flags.String("config"), flags.String("address")
	if file != "" || address == "" {
		config, err := loadConfiguration(file, flags.String("adapter"))
		if err == nil {
			d.address = address
			if address == "" && !config.adminOff {
				d.address = config.admin
			}
		}
		if !errors.Is(err, errNoConfiguration) {
			return config, err
		}
	}
	d.address = address
	if address == "" {
		d.address = caddy.DefaultAdminListen
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	config, err := loadRunningConfiguration(ctx, d.address)
	if err != nil && address == "" {
		return nil, fmt.Errorf("%w; %w", errNoConfiguration, err)
	}
	return config, err
}

func (d *doctor) add(about string, checks ...sinks.Check) {
	d.found = append(d.found, diagnosis{about, checks})
}

// handler looks at what a handler needs besides its sinks.
func (d *doctor) handler(index int, h configuredHandler) {
	d.add(describeHandler(index, h), checkKeys(h), checkRequestSize(h), d.checkClientIP(h))
}

// describeHandler says which of the handlers it is.
func describeHandler(index int, h configuredHandler) string {
	place := "server " + h.server.Name
	if len(h.hosts) > 0 {
		place = strings.Join(h.hosts, ", ")
	}
	return fmt.Sprintf("handler %d (%s, %s)", index+1, place, strings.Join(h.PathPrefixes, " "))
}

// sinks has each sink look at what it needs, once for all that are alike.
func (d *doctor) sinks(handlers []configuredHandler) {
	type group struct {
		sink     sinks.Sink
		site     sinks.Site
		name     string
		handlers []string
	}
	var groups []*group
	known := make(map[string]*group)
	var all []sinks.Sink
	for i, h := range handlers {
		for n, sink := range h.sinks {
			all = append(all, sink.Sink)
			name, key := h.sinkIdentity(n)
			key = fmt.Sprint(h.MaxEventSize, key)
			g := known[key]
			if g == nil {
				g = &group{sink: sink.Sink, site: sinks.Site{MaxEventSize: h.MaxEventSize}, name: name}
				known[key] = g
				groups = append(groups, g)
			}
			if number := fmt.Sprint(i + 1); !slices.Contains(g.handlers, number) {
				g.handlers = append(g.handlers, number)
			}
		}
	}
	for _, g := range groups {
		word := "handler "
		if len(g.handlers) > 1 {
			word = "handlers "
		}
		d.add(fmt.Sprintf("sink %s of %s", g.name, word+strings.Join(g.handlers, ", ")), d.examine(g.sink, g.site)...)
	}
	if checks := sinks.ExamineForgotten(all); len(checks) > 0 {
		d.add("spools without a sink", checks...)
	}
}

// sinkIdentity returns the name of a sink, and a text that is the same for sinks that
// are configured alike.
func (h *configuredHandler) sinkIdentity(n int) (name, key string) {
	name = "log"
	if module, ok := h.sinks[n].Sink.(caddy.Module); ok {
		name = module.CaddyModule().ID.Name()
	}
	var parsed struct {
		Sinks []json.RawMessage `json:"sinks"`
	}
	if err := json.Unmarshal(h.raw, &parsed); err == nil && n < len(parsed.Sinks) {
		key = string(parsed.Sinks[n])
	}
	return name, name + " " + key
}

func (d *doctor) examine(sink sinks.Sink, site sinks.Site) []sinks.Check {
	examiner, ok := sink.(sinks.Examiner)
	if !ok {
		return []sinks.Check{{Name: "sink", Mark: sinks.OK, Found: "nothing to check"}}
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	return examiner.Examine(ctx, site)
}
