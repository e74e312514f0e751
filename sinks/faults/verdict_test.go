// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"strings"
)

// verdict is a row of the table.
type verdict struct {
	fault      string
	way        way
	answered   int
	stored     int
	lost       []pixelID
	duplicated []pixelID
	dropped    int // as the log has it
	faults     []string
}

func (v verdict) String() string {
	return fmt.Sprintf("%s: answered %d, stored %d, lost %d, duplicated %d, dropped %d",
		v.way, v.answered, v.stored, len(v.lost), len(v.duplicated), v.dropped)
}

// judge compares what was answered, what is stored and what the log says.
func (l *lane) judge(fault string, loses bool) verdict {
	v := verdict{
		fault: fault, way: l.way,
		answered:   int(l.load.answered.Load()),
		stored:     l.reader.tally.count,
		lost:       l.reader.tally.missing(l.load),
		duplicated: l.reader.tally.doubled,
	}
	find := func(when bool, format string, args ...any) {
		if when {
			v.faults = append(v.faults, fmt.Sprintf(format, args...))
		}
	}
	var err error
	v.dropped, err = l.dropped()
	find(err != nil, "%v", err)
	find(v.answered == 0, "no pixel was answered")
	find(l.load.failure() != nil, "a request got no pixel: %v", l.load.failure())
	find(!loses && len(v.lost) > 0, "%d events are lost: %s", len(v.lost), some(v.lost))
	find(loses && len(v.lost) == 0, "no event is lost in a row that has to lose some")
	find(len(v.lost) != v.dropped, "the log says that %d events were dropped, but %d are lost: %s", v.dropped, len(v.lost), some(v.lost))
	find(len(v.duplicated) > 0, "%d events are stored twice: %s", len(v.duplicated), some(v.duplicated))
	invented := l.reader.tally.invented(l.load.sent())
	find(len(invented) > 0, "%d events are stored that nobody sent: %s", len(invented), some(invented))
	wrong := l.reader.tally.wrong
	find(len(wrong) > 0, "%d messages are not what was sent: %s", len(wrong), some(wrong))
	v.faults = append(v.faults, l.readLog()...)
	return v
}

// readLog returns what must not be in a log.
func (l *lane) readLog() []string {
	var found []string
	traces := payloadTraces()
	for _, line := range l.caddy.log.since(0) {
		if strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			found = append(found, "the log holds: "+line)
		}
		for _, trace := range traces {
			if strings.Contains(line, trace) {
				found = append(found, "the log holds a payload: "+line)
			}
		}
	}
	return found[:min(len(found), 5)]
}

// some names the first of many.
func some[T any](all []T) string {
	const enough = 10
	if len(all) > enough {
		return fmt.Sprintf("%v and so on", all[:enough])
	}
	return fmt.Sprint(all)
}
