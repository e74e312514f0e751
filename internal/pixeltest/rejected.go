// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// KeepRejected creates the stream that the help of replay recommends.
func (b *Broker) KeepRejected() {
	b.T.Helper()
	_, err := b.Js.CreateStream(b.T.Context(), jetstream.StreamConfig{
		Name: "SEGMENT_REJECTED", Subjects: []string{"segment.rejected.>"},
	})
	if err != nil {
		b.T.Fatal(err)
	}
}

// JSONFile writes a configuration into the folder of the test.
func (s *Site) JSONFile(config []byte) string {
	s.T.Helper()
	file := filepath.Join(s.Dir, "caddy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		s.T.Fatal(err)
	}
	return file
}

// LimitEvents creates the stream SEGMENT, or changes it, to take messages of that size.
func (b *Broker) LimitEvents(size int32) {
	b.T.Helper()
	_, err := b.Js.CreateOrUpdateStream(b.T.Context(), jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"}, MaxMsgSize: size, Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	})
	if err != nil {
		b.T.Fatal(err)
	}
}

// Reject puts a rejected request into that stream, as a sink does.
func (b *Broker) Reject(reason, typ, source, query string) {
	b.T.Helper()
	msg := nats.NewMsg("segment.rejected." + reason)
	msg.Data = []byte(query)
	msg.Header.Set("Segment-Reason", reason)
	msg.Header.Set("Segment-Type", typ)
	if source != "" {
		msg.Header.Set("Segment-Source", source)
	}
	if _, err := b.Js.PublishMsg(b.T.Context(), msg); err != nil {
		b.T.Fatal(err)
	}
}

// AwaitRejected waits until the stream has n requests.
func (b *Broker) AwaitRejected(n uint64) {
	b.T.Helper()
	Eventually(b.T, "the rejected requests are kept", func() bool {
		stream, err := b.Js.Stream(b.T.Context(), "SEGMENT_REJECTED")
		return err == nil && stream.CachedInfo().State.Msgs >= n
	})
}

// WarmUp sends rejected requests until the sink has a connection for them, and returns
// the sequence number of the last.
func (b *Broker) WarmUp(s *Site) (last uint64) {
	b.T.Helper()
	state := func() jetstream.StreamState {
		stream, err := b.Js.Stream(b.T.Context(), "SEGMENT_REJECTED")
		if err != nil {
			b.T.Fatal(err)
		}
		return stream.CachedInfo().State
	}
	Eventually(b.T, "a rejected request is kept", func() bool {
		s.Get("/v1/pixel/track?writeKey=NOBODY")
		return state().Msgs > 0
	})
	const mark = "writeKey=MARK"
	s.Get("/v1/pixel/track?" + mark)
	Eventually(b.T, "the last of them is kept", func() bool {
		stream, err := b.Js.Stream(b.T.Context(), "SEGMENT_REJECTED")
		if err != nil {
			b.T.Fatal(err)
		}
		last = state().LastSeq
		msg, err := stream.GetMsg(b.T.Context(), last)
		return err == nil && string(msg.Data) == mark
	})
	return last
}

// LastRejected is what the stream has got last.
func (b *Broker) LastRejected() *jetstream.RawStreamMsg {
	b.T.Helper()
	stream, err := b.Js.Stream(b.T.Context(), "SEGMENT_REJECTED")
	if err != nil {
		b.T.Fatal(err)
	}
	msg, err := stream.GetMsg(b.T.Context(), stream.CachedInfo().State.LastSeq)
	if err != nil {
		b.T.Fatal(err)
	}
	return msg
}
