// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestJudge makes every mistake that the verdict has to find.
func TestJudge(t *testing.T) {
	tests := map[string]struct {
		spoil func(*lane)
		loses bool
		finds string
	}{
		"nothing":   {spoil: func(*lane) {}},
		"lost":      {spoil: func(l *lane) { l.load.senders[1].answered.set(2) }, finds: "1 events are lost: [1-2]"},
		"doubled":   {spoil: func(l *lane) { l.store(pixelID{1, 70}) }, finds: "1 events are stored twice: [1-70]"},
		"invented":  {spoil: func(l *lane) { l.store(pixelID{1, 71}) }, finds: "1 events are stored that nobody sent: [1-71]"},
		"changed":   {spoil: func(l *lane) { l.reader.tally.add(nil, []byte(`{"messageId":"1-1"}`)) }, finds: "1-1 is not as it was sent"},
		"header":    {spoil: func(l *lane) { l.reader.tally.add(nil, pixelID{1, 1}.payload()) }, finds: "1-1 has the message id"},
		"uncounted": {loses: true, spoil: func(l *lane) { l.load.senders[1].answered.set(2) }, finds: "the log says that 0 events were dropped, but 1 are lost"},
		"no loss":   {loses: true, spoil: func(*lane) {}, finds: "no event is lost in a row that has to lose some"},
		"panic":     {spoil: func(l *lane) { l.logs("goroutine 1 [running]: panic") }, finds: "the log holds: goroutine"},
		"payload":   {spoil: func(l *lane) { l.logs(string(pixelID{2, 3}.request("host"))) }, finds: "the log holds a payload"},
		"too much dropped": {
			spoil: func(l *lane) { l.logs(`{"msg":"the sink takes events again","dropped":3}`) },
			finds: "the log says that 3 events were dropped, but 0 are lost",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := storedLane()
			test.spoil(l)
			found := strings.Join(l.judge(name, test.loses).faults, "\n")
			if (test.finds == "") != (found == "") || !strings.Contains(found, test.finds) {
				t.Errorf("found %q, want %q", found, test.finds)
			}
		})
	}
}

// storedLane is a lane in which two connections have sent 71 pixels each. The first
// of each was stored and not answered, and 1-2 neither.
func storedLane() *lane {
	l := &lane{way: fast, caddy: &caddyServer{log: new(journal)}, load: new(load)}
	for c := range 2 {
		s := &sender{connection: c}
		l.load.senders = append(l.load.senders, s)
		for n := range 71 {
			s.sent.Add(1)
			if c == 1 && n == 2 {
				continue
			}
			l.store(pixelID{c, n})
			if n > 0 {
				s.answered.set(n)
				l.load.answered.Add(1)
			}
		}
	}
	return l
}

func (l *lane) store(id pixelID) {
	l.reader.tally.add(nats.Header{nats.MsgIdHdr: {id.natsMsgID()}}, id.payload())
}

func (l *lane) logs(line string) {
	_, _ = l.caddy.log.Write([]byte(line + "\n"))
}
