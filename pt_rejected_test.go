// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// keepRejected creates the stream that the help of replay recommends.
func (b *broker) keepRejected() {
	b.t.Helper()
	_, err := b.js.CreateStream(b.t.Context(), jetstream.StreamConfig{
		Name: "SEGMENT_REJECTED", Subjects: []string{"segment.rejected.>"},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// jsonFile writes a configuration into the folder of the test.
func (s *site) jsonFile(config []byte) string {
	s.t.Helper()
	file := filepath.Join(s.dir, "caddy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// limitEvents creates the stream SEGMENT, or changes it, to take messages of that size.
func (b *broker) limitEvents(size int32) {
	b.t.Helper()
	_, err := b.js.CreateOrUpdateStream(b.t.Context(), jetstream.StreamConfig{
		Name: "SEGMENT", Subjects: []string{"segment.events.>"}, MaxMsgSize: size, Duplicates: 5 * time.Minute, AllowBatchPublish: true,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// reject puts a rejected request into that stream, as a sink does.
func (b *broker) reject(reason, typ, source, query string) {
	b.t.Helper()
	msg := nats.NewMsg("segment.rejected." + reason)
	msg.Data = []byte(query)
	msg.Header.Set("Segment-Reason", reason)
	msg.Header.Set("Segment-Type", typ)
	if source != "" {
		msg.Header.Set("Segment-Source", source)
	}
	if _, err := b.js.PublishMsg(b.t.Context(), msg); err != nil {
		b.t.Fatal(err)
	}
}

// awaitRejected waits until the stream has n requests.
func (b *broker) awaitRejected(n uint64) {
	b.t.Helper()
	eventually(b.t, "the rejected requests are kept", func() bool {
		stream, err := b.js.Stream(b.t.Context(), "SEGMENT_REJECTED")
		return err == nil && stream.CachedInfo().State.Msgs >= n
	})
}

// warmUp sends rejected requests until the sink has a connection for them, and returns
// the sequence number of the last.
func (b *broker) warmUp(s *site) (last uint64) {
	b.t.Helper()
	state := func() jetstream.StreamState {
		stream, err := b.js.Stream(b.t.Context(), "SEGMENT_REJECTED")
		if err != nil {
			b.t.Fatal(err)
		}
		return stream.CachedInfo().State
	}
	eventually(b.t, "a rejected request is kept", func() bool {
		s.get("/v1/pixel/track?writeKey=NOBODY")
		return state().Msgs > 0
	})
	const mark = "writeKey=MARK"
	s.get("/v1/pixel/track?" + mark)
	eventually(b.t, "the last of them is kept", func() bool {
		stream, err := b.js.Stream(b.t.Context(), "SEGMENT_REJECTED")
		if err != nil {
			b.t.Fatal(err)
		}
		last = state().LastSeq
		msg, err := stream.GetMsg(b.t.Context(), last)
		return err == nil && string(msg.Data) == mark
	})
	return last
}

// lastRejected is what the stream has got last.
func (b *broker) lastRejected() *jetstream.RawStreamMsg {
	b.t.Helper()
	stream, err := b.js.Stream(b.t.Context(), "SEGMENT_REJECTED")
	if err != nil {
		b.t.Fatal(err)
	}
	msg, err := stream.GetMsg(b.t.Context(), stream.CachedInfo().State.LastSeq)
	if err != nil {
		b.t.Fatal(err)
	}
	return msg
}
