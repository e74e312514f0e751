// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"net/http"
	"slices"
	"strings"

	segmentpixel "github.com/segmentpixel/caddy-segment-pixel"
)

// fault is a site that something is wrong with, and what the document says of it.
type fault struct {
	*adminSite
	section string
	body    string // of the site
}

func (f *fault) run(options, body string) {
	f.t.Helper()
	f.body = body
	f.adminSite.run(options, body)
}

// tells wants a surface to use these words, and the document to show them.
func (f *fault) tells(surface, text string, words ...string) {
	f.t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			f.t.Errorf("%s does not say %q:\n%s", surface, word, text)
		}
		if !strings.Contains(f.section, word) {
			f.t.Errorf("the document does not say %q", word)
		}
	}
}

// becomes waits until the status is as ready as wanted and has one problem for each
// of these words.
func (f *fault) becomes(ready bool, words ...string) {
	f.t.Helper()
	var status statusAnswer
	defer func() {
		if f.t.Failed() {
			f.t.Logf("want ready %v with %q, got %v with %q", ready, words, status.Ready, status.Problems)
		}
	}()
	eventually(f.t, "the status tells it", func() bool {
		status = f.status()
		return status.Ready == ready && len(status.Problems) == len(words) &&
			!slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(strings.Join(status.Problems, "\n"), word) })
	})
	f.tells("the status", strings.Join(status.Problems, "\n"), words...)
	wanted := http.StatusOK
	if !ready {
		wanted = http.StatusServiceUnavailable
	}
	if code, text := f.ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != wanted {
		f.t.Errorf("ready: %d %s", code, text)
	}
}

// doctor has the command look at the Caddy that runs, from another process as it is.
func (f *fault) doctor(code int, words ...string) {
	f.t.Helper()
	file := writeCaddyfile(f.t, strings.ReplaceAll(f.body, "DIR", f.dir))
	out, messages, got := runCaddy(f.t, "", "segment-pixel", "doctor", "--config", file, "--address", strings.TrimPrefix(f.admin, "http://"))
	if got != code {
		f.t.Errorf("doctor ends with %d, want %d:\n%s%s", got, code, out, messages)
	}
	f.tells("doctor", out, words...)
}

func (f *fault) explains(target string, words ...string) {
	f.t.Helper()
	f.tells("explain", f.explanation(target).out, words...)
}

func (f *fault) explanation(target string) executed {
	f.t.Helper()
	return execute(f.t, segmentpixel.NewExplainCommand(), "--config", writeCaddyfile(f.t, silent(f.t)), f.url+target)
}

func (f *fault) logs(message string) {
	f.t.Helper()
	eventually(f.t, "the log says: "+message, func() bool { return len(f.logged(message)) > 0 })
	f.tells("the log", message, message)
}

// emits waits for an event of Caddy's.
func (f *fault) emits(name string) {
	f.t.Helper()
	awaitEvent(f.t, name)
	f.tells("an event", name, name)
}

// counts wants a metric of the sink to be as given.
func (f *fault) counts(name, labels string, want float64) {
	f.t.Helper()
	var got float64
	eventually(f.t, name+" is counted", func() bool {
		for series, value := range f.metrics() {
			if strings.HasPrefix(series, name+"{") && strings.Contains(series, labels) {
				if got = value; got == want {
					return true
				}
			}
		}
		return false
	})
	f.tells("a metric", name, name)
}

// deliver has a sink deliver to NATS by way of a spool in DIR/spool.
func (f *fault) deliver(server, options string) {
	f.t.Helper()
	f.run(captureEvents, `segment_pixel {
		write_key k `+source(f.t)+`
		sink jetstream `+server+` {
			spool DIR/spool {
				max_size 1MiB
			}
			`+options+`
		}
	}`)
}

// resumes waits until the spool is empty again.
func (f *fault) resumes() {
	f.t.Helper()
	f.logs("events are delivered again")
	eventually(f.t, "the spool is empty", func() bool { return f.status().Handlers[0].Sinks[0].Spool.Events == 0 })
}
