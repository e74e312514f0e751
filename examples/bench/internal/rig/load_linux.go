// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Load sends pixels with h2load. An http URL gets HTTP/1.1 in clear text, an https
// URL gets HTTP/2 over TLS 1.3. Each connection has one request under way at a
// time.
type Load struct {
	URL         string // scheme, host and port
	Paths       string // file that WritePaths wrote; every connection goes through it from its start
	Connections int
	Duration    time.Duration
	Rate        float64 // requests a second, all connections together; 0 for as many as there can be
	Requests    int     // instead of Duration, where there is no rate: end after so many, all connections together
	Times       bool    // find out the times to the answers where there is no rate, too, which costs h2load a line for each
	Host        string  // name that requests ask for instead of the host of URL; empty for that one
	CPU         int     // the one that h2load runs on
}

// browserHeaders are what a browser sends with the request of an image.
var browserHeaders = []string{
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	"Accept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
	"Accept-Language: en-GB,en;q=0.5",
	"Accept-Encoding: gzip, deflate, br",
	"Referer: https://mail.example.com/",
}

// Run sends the load and waits for its end. A request that is not answered with
// 2xx is an error, and the result is returned with it.
func (l Load) Run(ctx context.Context) (result Result, err error) {
	dir, err := os.MkdirTemp("", "h2load-")
	if err != nil {
		return result, err
	}
	// The log has a line for each request.
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log := filepath.Join(dir, "log")
	args, err := l.arguments(log)
	if err != nil {
		return result, err
	}
	output, err := l.h2load(ctx, args)
	if err != nil {
		return result, err
	}
	result, err = parseReport(output, strings.HasPrefix(l.URL, "https:"))
	if err != nil {
		return result, fmt.Errorf("load on %s: %w", l.URL, err)
	}
	if result.Unfinished > l.Connections {
		return result, fmt.Errorf("load on %s: %d requests were not answered; the server may have closed connections", l.URL, result.Unfinished)
	}
	if l.Rate > 0 || l.Times {
		err = l.addTimes(&result, log)
	}
	return result, err
}

// h2load runs the program and returns what it printed.
func (l Load) h2load(ctx context.Context, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Duration+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "h2load", args...) //nolint:gosec // the arguments are our own
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := spawn(cmd, l.CPU); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", errors.New("h2load was not found; install it, which is nghttp2-client in Debian")
		}
		return "", fmt.Errorf("starting h2load: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("h2load on %s: %w\n%s", l.URL, errors.Join(ctx.Err(), err), output.String())
	}
	return output.String(), nil
}

// arguments are those of h2load.
//
// As fast as it can, h2load runs for a time. What is under way at its end is not
// waited for, and not counted as answered, but the server may have got it.
//
// At a rate, it sends a number of requests. Connections then begin one after the
// other within the time that each has between two requests: otherwise they would
// all send at the same instant forever, and the times would be those of a queue of
// as many requests as there are connections.
func (l Load) arguments(log string) ([]string, error) {
	base, err := url.Parse(l.URL)
	if err != nil {
		return nil, err
	}
	args := []string{
		fmt.Sprintf("--clients=%d", l.Connections), "--threads=1", "--max-concurrent-streams=1",
		"--base-uri=" + l.URL, "--input-file=" + l.Paths,
	}
	if l.Host != "" {
		named := url.URL{Scheme: base.Scheme, Host: net.JoinHostPort(l.Host, base.Port())}
		args = append(args, "--base-uri="+named.String(), "--connect-to="+base.Host)
	}
	if base.Scheme == "http" {
		args = append(args, "--h1")
	}
	for _, header := range browserHeaders {
		args = append(args, "--header="+header)
	}
	if l.Times {
		args = append(args, "--log-file="+log)
	}
	if l.Rate <= 0 && l.Requests > 0 {
		return append(args, fmt.Sprintf("--requests=%d", l.Requests)), nil
	}
	if l.Rate <= 0 {
		return append(args, fmt.Sprintf("--duration=%dms", l.Duration.Milliseconds())), nil
	}
	begin, period := stagger(l.Connections, l.interval())
	requests := max(l.Connections, int(l.Rate*l.Duration.Seconds()))
	return append(args, "--log-file="+log, fmt.Sprintf("--requests=%d", requests),
		fmt.Sprintf("--rps=%.3f", l.Rate/float64(l.Connections)),
		fmt.Sprintf("--rate=%d", begin), fmt.Sprintf("--rate-period=%dms", period.Milliseconds())), nil
}

// interval is the time between two requests of a connection. Without a rate there
// is none: a request is due when the one before has been answered.
func (l Load) interval() time.Duration {
	if l.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(l.Connections) / l.Rate * float64(time.Second))
}

// addTimes reads the times to the answers from the log of h2load.
func (l Load) addTimes(result *Result, log string) error {
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	times, err := readTimes(bytes.NewReader(text))
	if err != nil {
		return err
	}
	times = Corrected(times, l.interval())
	result.P50, result.P99 = Percentile(times, 50), Percentile(times, 99)
	return nil
}
