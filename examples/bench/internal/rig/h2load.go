// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Result is what a load found out. Where there is no rate, as many requests as
// there are connections may have arrived in addition to all that it counts: h2load
// does not count those that it sends before its time begins.
type Result struct {
	Answered   int           // with a 2xx status
	Unfinished int           // were sent and not waited for when the time was over, so may have arrived; none where there is a rate
	PerSecond  float64       // how many were answered a second
	P50, P99   time.Duration // time to the answer, corrected for coordinated omission; only where there is a rate or Load.Times
}

// What h2load prints at its end.
var (
	finishedLine = regexp.MustCompile(`(?m)^finished in [0-9.a-z]+, ([0-9.]+) req/s, `)
	requestsLine = regexp.MustCompile(`(?m)^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$`)
	statusLine   = regexp.MustCompile(`(?m)^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$`)
)

// parseReport reads what h2load printed. A load of which something failed, or that
// used other protocols than it should, is an error.
func parseReport(output string, secure bool) (Result, error) {
	finished := finishedLine.FindStringSubmatch(output)
	requests := numbers(requestsLine.FindStringSubmatch(output))
	statuses := numbers(statusLine.FindStringSubmatch(output))
	if finished == nil || requests == nil || statuses == nil {
		return Result{}, fmt.Errorf("h2load printed no result that is understood here; this was written for h2load of nghttp2 1.52:\n%s", output)
	}
	perSecond, err := strconv.ParseFloat(finished[1], 64)
	if err != nil {
		return Result{}, err
	}
	started, done, failed := requests[1], requests[2], requests[4]+requests[5]+requests[6]
	result := Result{Answered: requests[3], Unfinished: started - done, PerSecond: perSecond}
	switch {
	// A status counts when it comes, and a request is done at the end of its answer.
	case failed > 0 || statuses[1]+statuses[2]+statuses[3] > 0 || statuses[0] < done || result.Answered != done:
		return result, fmt.Errorf("not every request was answered with 200:\n%s\n%s", requestsLine.FindString(output), statusLine.FindString(output))
	case done == 0:
		return result, errors.New("no request was answered; is there a server that takes the connections?")
	}
	want := []string{"Application protocol: http/1.1"}
	if secure {
		want = []string{"Application protocol: h2", "TLS Protocol: TLSv1.3"}
	}
	for _, line := range want {
		if !strings.Contains(output, line+"\n") {
			return result, fmt.Errorf("h2load did not print %q, so another protocol was measured:\n%s", line, output)
		}
	}
	return result, nil
}

// numbers reads the groups of a match, which are decimal digits.
func numbers(match []string) []int {
	if match == nil {
		return nil
	}
	values := make([]int, len(match)-1)
	for n := range values {
		values[n], _ = strconv.Atoi(match[n+1])
	}
	return values
}

// readTimes reads the log of h2load: a line has when the request began, its status
// and how long it took to the end of the answer, in microseconds.
func readTimes(log io.Reader) ([]time.Duration, error) {
	var times []time.Duration
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) < 3 {
			return nil, fmt.Errorf("%q in the log of h2load is not understood here", lines.Text())
		}
		micros, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q in the log of h2load: %w", lines.Text(), err)
		}
		times = append(times, time.Duration(micros)*time.Microsecond)
	}
	return times, lines.Err()
}

// stagger returns how many connections are to begin in each period so that they
// are spread over the interval. h2load counts periods in milliseconds.
func stagger(connections int, interval time.Duration) (begin int, period time.Duration) {
	each := interval / time.Duration(connections)
	if each >= time.Millisecond {
		return 1, each.Truncate(time.Millisecond)
	}
	milliseconds := max(1, int(interval/time.Millisecond))
	return (connections + milliseconds - 1) / milliseconds, time.Millisecond
}
