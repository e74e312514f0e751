// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// BenchmarkForward delivers events of 700 bytes to a stream in memory, in a server
// of the same process, whose work and allocations count as well.
func BenchmarkForward(b *testing.B) {
	benchModes(b, func(b *testing.B) *rig {
		s := natstest.Start(b, nil)
		r := newRig(b, s.ClientURL())
		createStream(b, r.route.js, func(c *jetstream.StreamConfig) {
			c.Storage, c.MaxMsgs, c.Discard = jetstream.MemoryStorage, 10_000, jetstream.DiscardOld
		})
		return r
	})
}

// BenchmarkForwardAlone delivers to a stand-in that does nothing but acknowledge,
// and allocates nothing: what it measures is our side, with the NATS client. The
// body is not copied, but the rest of a message is made anew, as nats.go wants it.
func BenchmarkForwardAlone(b *testing.B) {
	benchModes(b, func(b *testing.B) *rig { return newRig(b, startStandIn(b)) })
}

func benchModes(b *testing.B, prepare func(b *testing.B) *rig) {
	b.Helper()
	for _, mode := range []struct {
		name    string
		batched bool
	}{{"batched", true}, {"singly", false}} {
		b.Run(mode.name, func(b *testing.B) {
			r := prepare(b)
			r.route.batched.Store(mode.batched)
			list := make([]spool.Event, b.N)
			for i := range list {
				list[i] = event(i)
				list[i].Body = bytes.Repeat([]byte("x"), 700)
			}
			r.append(list...)
			b.ReportAllocs()
			b.SetBytes(700)
			b.ResetTimer()
			r.start(b)
			r.awaitAcked(b, b.N)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// startStandIn listens for one connection until the benchmark ends and returns its
// URL.
func startStandIn(b *testing.B) string {
	b.Helper()
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		s := standIn{in: bufio.NewReaderSize(conn, 1<<16), out: bufio.NewWriter(conn)}
		s.serve()
	}()
	b.Cleanup(func() { listener.Close(); <-done })
	return "nats://" + listener.Addr().String()
}

// standIn answers as a NATS server would where all is well.
type standIn struct {
	in   *bufio.Reader
	out  *bufio.Writer
	subs []subscription
	ack  []byte
}

type subscription struct{ prefix, id []byte }

func (s *standIn) serve() {
	_, _ = s.out.WriteString(`INFO {"server_id":"S","version":"2.14.0","proto":1,"headers":true,"max_payload":1048576}` + "\r\n")
	for {
		if s.in.Buffered() == 0 && s.out.Flush() != nil {
			return
		}
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return
		}
		command, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		switch string(command) {
		case "PING":
			_, _ = s.out.WriteString("PONG\r\n")
		case "SUB":
			subject, id, _ := bytes.Cut(rest, []byte(" "))
			s.subs = append(s.subs, subscription{bytes.Clone(bytes.TrimRight(subject, "*>")), bytes.Clone(id)})
		case "PUB", "HPUB":
			s.acknowledge(rest)
		}
	}
}

// acknowledge takes a message, of which it has seen the first line: its subject, the
// one for the reply, and at the end its size.
func (s *standIn) acknowledge(line []byte) {
	_, line, _ = bytes.Cut(line, []byte(" "))
	reply, _, _ := bytes.Cut(line, []byte(" "))
	size := 0
	for _, c := range line[bytes.LastIndexByte(line, ' ')+1:] {
		size = 10*size + int(c-'0')
	}
	s.ack = s.appendAck(s.ack[:0], reply)
	_, _ = s.out.Write(s.ack)
	_, _ = s.in.Discard(size + len("\r\n"))
}

// appendAck appends the ack for a message, if it is one by itself or the last of a
// batch.
func (s *standIn) appendAck(dst, reply []byte) []byte {
	count := []byte("1")
	if place, inBatch := bytes.CutSuffix(reply, []byte(".$FI")); inBatch {
		before, isLast := bytes.CutSuffix(place, []byte("."+opCommit))
		if !isLast {
			return dst
		}
		count = before[bytes.LastIndexByte(before, '.')+1:]
	}
	for _, sub := range s.subs {
		if bytes.HasPrefix(reply, sub.prefix) {
			const start, end = `{"stream":"EVENTS","seq":1,"count":`, `}`
			dst = append(append(append(dst, "MSG "...), reply...), ' ')
			dst = append(append(dst, sub.id...), ' ')
			dst = strconv.AppendInt(dst, int64(len(start)+len(count)+len(end)), 10)
			dst = append(append(append(dst, "\r\n"+start...), count...), end+"\r\n"...)
			return dst
		}
	}
	panic(fmt.Sprintf("nobody waits for a reply to %q", reply))
}
