// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"net/http"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/explain"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func init() { pixeltest.BeCaddy() }

// fault is a site that something is wrong with, and what the document says of it.
type fault struct {
	*pixeltest.AdminSite
	section string
	body    string // of the site
}

func (f *fault) Run(options, body string) {
	f.T.Helper()
	f.body = body
	f.AdminSite.Run(options, body)
}

// tells wants a surface to use these words, and the document to show them.
func (f *fault) tells(surface, text string, words ...string) {
	f.T.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			f.T.Errorf("%s does not say %q:\n%s", surface, word, text)
		}
		if !strings.Contains(f.section, word) {
			f.T.Errorf("the document does not say %q", word)
		}
	}
}

// becomes waits until the status is as ready as wanted and has one problem for each
// of these words.
func (f *fault) becomes(ready bool, words ...string) {
	f.T.Helper()
	var status pixeltest.StatusAnswer
	defer func() {
		if f.T.Failed() {
			f.T.Logf("want ready %v with %q, got %v with %q", ready, words, status.Ready, status.Problems)
		}
	}()
	pixeltest.Eventually(f.T, "the status tells it", func() bool {
		status = f.Status()
		return status.Ready == ready && len(status.Problems) == len(words) &&
			!slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(strings.Join(status.Problems, "\n"), word) })
	})
	f.tells("the status", strings.Join(status.Problems, "\n"), words...)
	wanted := http.StatusOK
	if !ready {
		wanted = http.StatusServiceUnavailable
	}
	if code, text := f.Ask(http.MethodGet, "/segment_pixel/health/ready", ""); code != wanted {
		f.T.Errorf("ready: %d %s", code, text)
	}
}

// doctor has the command look at the Caddy that runs, from another process as it is.
func (f *fault) doctor(code int, words ...string) {
	f.T.Helper()
	file := pixeltest.WriteCaddyfile(f.T, strings.ReplaceAll(f.body, "DIR", f.Dir))
	out, messages, got := pixeltest.RunCaddy(f.T, "", "segment-pixel", "doctor", "--config", file, "--address", strings.TrimPrefix(f.Admin, "http://"))
	if got != code {
		f.T.Errorf("doctor ends with %d, want %d:\n%s%s", got, code, out, messages)
	}
	f.tells("doctor", out, words...)
}

func (f *fault) explains(target string, words ...string) {
	f.T.Helper()
	f.tells("explain", f.explanation(target).Out, words...)
}

func (f *fault) explanation(target string) pixeltest.Executed {
	f.T.Helper()
	return pixeltest.Execute(f.T, explain.New(), "--config", pixeltest.WriteCaddyfile(f.T, pixeltest.Silent(f.T)), f.URL+target)
}

func (f *fault) logs(message string) {
	f.T.Helper()
	pixeltest.Eventually(f.T, "the log says: "+message, func() bool { return len(f.Logged(message)) > 0 })
	f.tells("the log", message, message)
}

// emits waits for an event of Caddy's.
func (f *fault) emits(name string) {
	f.T.Helper()
	pixeltest.AwaitEvent(f.T, name)
	f.tells("an event", name, name)
}

// counts wants a metric of the sink to be as given.
func (f *fault) counts(name, labels string, want float64) {
	f.T.Helper()
	var got float64
	pixeltest.Eventually(f.T, name+" is counted", func() bool {
		for series, value := range f.Metrics() {
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
	f.T.Helper()
	f.Run(pixeltest.CaptureEvents, `segment_pixel {
		write_key k `+pixeltest.Source(f.T)+`
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
	f.T.Helper()
	f.logs("events are delivered again")
	pixeltest.Eventually(f.T, "the spool is empty", func() bool { return f.Status().Handlers[0].Sinks[0].Spool.Events == 0 })
}
