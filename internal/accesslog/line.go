// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/link"
)

// Request is a request as a log or a person wrote it down.
type Request struct {
	*http.Request
	At time.Time // zero if that was not written down
	// Outcome is what became of the pixel, as log_append wrote it down: accepted, dropped,
	// failed, or a reason. It is empty if that was not written down.
	Outcome string
}

// Hidden tells whether the query was taken out of the log, as far as that can be seen.
func (r Request) Hidden() bool {
	query := r.URL.RawQuery
	return query != "" && !strings.Contains(query, "=") || query == "" && r.Outcome != "" || strings.Contains(query, "=REDACTED")
}

// NewRequest makes the request that asks for a target.
func NewRequest(target link.Target) *http.Request {
	method := target.Method
	if method == "" {
		method = http.MethodGet
	}
	return &http.Request{
		Method: method,
		Host:   target.Host,
		URL:    &url.URL{Path: target.Path, RawQuery: target.Query},
		Header: make(http.Header),
	}
}

// ParseLine reads a line of an access log: JSON as Caddy writes it, also behind
// the columns of its console format; the common or the combined format; or a URL. It
// tells whether the line is any of these.
func ParseLine(line []byte) (Request, bool) {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
	if start := bytes.IndexByte(line, '{'); start == 0 || start > 0 && bytes.Contains(line, []byte("\t{")) {
		if logged, ok := parseJSONLine(line[start:]); ok {
			return logged, true
		}
	}
	if logged, ok := parseCommonLine(string(line)); ok {
		return logged, true
	}
	return parseURLLine(string(line))
}

// caddyLine is what matters of a line in Caddy's access log.
type caddyLine struct {
	Time    json.RawMessage `json:"ts"`
	Request struct {
		Method  string      `json:"method"`
		Host    string      `json:"host"`
		URI     string      `json:"uri"`
		Headers http.Header `json:"headers"`
	} `json:"request"`
}

func parseJSONLine(line []byte) (Request, bool) {
	var parsed caddyLine
	if json.Unmarshal(line, &parsed) != nil || !strings.HasPrefix(parsed.Request.URI, "/") {
		return Request{}, false
	}
	r, ok := requestFor(parsed.Request.Method, parsed.Request.URI)
	if !ok {
		return Request{}, false
	}
	r.Host = parsed.Request.Host
	for name, values := range parsed.Request.Headers {
		for _, value := range values {
			r.Header.Add(name, value)
		}
	}
	return Request{Request: r, At: caddyTime(parsed.Time), Outcome: recordedOutcome(line)}, true
}

// outcomes are what the placeholder {http.segment_pixel.outcome} can be.
var outcomes = func() map[string]bool {
	known := map[string]bool{pixel.OutcomeAccepted: true, "dropped": true, "failed": true}
	for _, reason := range pixel.Reasons() {
		known[reason.String()] = true
	}
	return known
}()

// recordedOutcome finds the field of a line that has an outcome, whatever its name is.
func recordedOutcome(line []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return ""
	}
	for _, raw := range fields {
		var text string
		if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil && outcomes[text] {
			return text
		}
	}
	return ""
}

// caddyTime reads the time of a line, which is seconds or, if the encoder was told
// so, text.
func caddyTime(ts json.RawMessage) time.Time {
	if seconds, err := strconv.ParseFloat(string(ts), 64); err == nil && math.Abs(seconds) < 1<<40 {
		return time.UnixMicro(int64(seconds * 1e6))
	}
	at, err := time.Parse(time.RFC3339, strings.Trim(string(ts), `"`))
	if err != nil {
		return time.Time{}
	}
	return at
}

var (
	// commonLine is: host ident user [time] "METHOD uri protocol" and the rest. What
	// is quoted may hold quotation marks, escaped in two ways.
	commonLine = regexp.MustCompile(`^\S+ \S+ .*?\[([^\]]+)\] "([A-Z]+) ((?:[^"\\]|\\.)+?)(?: HTTP/[0-9.]+)?" (?:[0-9]{3}|-) (?:[0-9]+|-)(.*)$`)
	// combinedTail is what the combined format adds.
	combinedTail = regexp.MustCompile(`^ "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"`)
	logEscape    = regexp.MustCompile(`\\x[0-9A-Fa-f]{2}|\\["\\]`)
)

const commonTime = "02/Jan/2006:15:04:05 -0700"

func parseCommonLine(line string) (Request, bool) {
	found := commonLine.FindStringSubmatch(line)
	if found == nil {
		return Request{}, false
	}
	r, ok := requestFor(found[2], unescapeLog(found[3]))
	if !ok {
		return Request{}, false
	}
	if tail := combinedTail.FindStringSubmatch(found[4]); tail != nil {
		for name, value := range map[string]string{"Referer": tail[1], "User-Agent": tail[2]} {
			if value != "-" && value != "" {
				r.Header.Set(name, unescapeLog(value))
			}
		}
	}
	at, err := time.Parse(commonTime, found[1])
	if err != nil {
		at = time.Time{}
	}
	return Request{Request: r, At: at}, true
}

// unescapeLog undoes what servers do to quotation marks and odd bytes in a log.
func unescapeLog(text string) string {
	return logEscape.ReplaceAllStringFunc(text, func(escape string) string {
		if escape[1] != 'x' {
			return escape[1:]
		}
		value, _ := strconv.ParseUint(escape[2:], 16, 8)
		return string([]byte{byte(value)})
	})
}

// parseURLLine reads a URL, a path, an <img> or a query that is a pixel's for sure.
func parseURLLine(line string) (Request, bool) {
	target, err := link.Parse(line)
	if err != nil {
		return Request{}, false
	}
	if target.Path == "" && !strings.HasPrefix(target.Query, "data=") && !strings.HasPrefix(target.Query, "writeKey=") {
		return Request{}, false
	}
	return Request{Request: NewRequest(target)}, true
}

// requestFor makes a request of what a log has of its first line.
func requestFor(method, uri string) (*http.Request, bool) {
	path, query, _ := strings.Cut(uri, "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, false
	}
	return NewRequest(link.Target{Method: method, Path: path, Query: query}), true
}
