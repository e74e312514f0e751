// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// report is the end of what h2load of nghttp2 1.52 prints.
const report = `starting benchmark...
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Application protocol: h2
Main benchmark duration is over for thread #0. Stopping all clients.
Stopped all clients for thread #0

finished in 1.02s, 17801.50 req/s, 2.29MB/s
requests: 17801 total, 17865 started, 17801 done, 17801 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 17830 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 2.29MB (2406271) total, 1.26MB (1317274) headers (space savings 47.14%), 747.50KB (765443) data
`

func TestParseReport(t *testing.T) {
	result, err := parseReport(report, true)
	if want := (Result{Answered: 17801, Unfinished: 64, PerSecond: 17801.5}); err != nil || result != want {
		t.Errorf("%+v, %v", result, err)
	}
	plain := strings.NewReplacer("TLS Protocol: TLSv1.3\n", "", "protocol: h2", "protocol: http/1.1").Replace(report)
	if result, err := parseReport(plain, false); err != nil || result.Answered != 17801 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestParseReportFailure(t *testing.T) {
	for name, change := range map[string][]string{
		"no report":      {"finished in", "ended in"},
		"other statuses": {"0 4xx", "1 4xx"},
		"errors":         {"0 errored", "1 errored"},
		"timeouts":       {"0 timeout", "1 timeout"},
		"nothing":        {"17801 done, 17801 succeeded", "0 done, 0 succeeded", "17830 2xx", "0 2xx"},
		"another HTTP":   {"protocol: h2", "protocol: http/1.1"},
		"another TLS":    {"TLSv1.3", "TLSv1.2"},
	} {
		t.Run(name, func(t *testing.T) {
			if result, err := parseReport(strings.NewReplacer(change...).Replace(report), true); err == nil {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestReadTimes(t *testing.T) {
	times, err := readTimes(strings.NewReader("1795419821061938\t200\t1367\n1795419821061945\t200\t1418\n"))
	if err != nil || !slices.Equal(times, []time.Duration{1367 * time.Microsecond, 1418 * time.Microsecond}) {
		t.Errorf("%v, %v", times, err)
	}
	for _, text := range []string{"1795419821061938\t200\n", "1795419821061938\t200\tlong\n"} {
		if times, err := readTimes(strings.NewReader(text)); err == nil {
			t.Errorf("%q: %v", text, times)
		}
	}
}

func TestStagger(t *testing.T) {
	for _, c := range []struct {
		connections int
		interval    time.Duration
		begin       int
		period      time.Duration
	}{
		{64, 12800 * time.Microsecond, 6, time.Millisecond},
		{64, 640 * time.Millisecond, 1, 10 * time.Millisecond},
		{64, 500 * time.Microsecond, 64, time.Millisecond},
		{1, time.Millisecond, 1, time.Millisecond},
	} {
		if begin, period := stagger(c.connections, c.interval); begin != c.begin || period != c.period {
			t.Errorf("%d connections within %v: %d each %v", c.connections, c.interval, begin, period)
		}
	}
}
