// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// Finding is something that keeps a stream from taking every event, or from
// keeping it. The text begins with the name of the stream.
type Finding struct{ Text, Remedy string }

// String is what the log and the status say of it.
func (f Finding) String() string { return f.Text + ": " + f.Remedy }

// Inspect names what a stream lacks that is behind a server with this max_payload.
func (k *Keeper) Inspect(config *jetstream.StreamConfig, maxPayload int64) []Finding {
	var found []Finding
	add := func(when bool, remedy, format string, args ...any) {
		if when {
			found = append(found, Finding{config.Name + " " + fmt.Sprintf(format, args...), remedy})
		}
	}
	limit, edit := k.maxEventSize, "nats stream edit "+config.Name
	add(!slices.ContainsFunc(config.Subjects, func(s string) bool { return subject.Covers(s, k.Subject) }),
		"add what is missing to its subjects: "+edit+" --subjects",
		"does not cover all of %s", k.Subject)
	add(config.Sealed,
		"a stream stays sealed for ever: delete it (nats stream rm "+config.Name+") or take the subject from it ("+edit+
			" --subjects <another>), and create another stream for the subject",
		"is sealed and takes nothing more")
	add(config.NoAck, "have it acknowledge: "+edit+" --ack",
		"has no_ack set, so that an event counts as failed when it is stored as well")
	add(config.Duplicates < time.Minute, "set the duplicate window to 5m or longer: "+edit+" --dupe-window 5m",
		"recognises repeated events for only %v", config.Duplicates)
	add(config.MaxMsgSize > 0 && int64(config.MaxMsgSize) < limit,
		fmt.Sprintf("%s --max-msg-size %d, or lower max_event_size here", edit, limit+EnvelopeRoom),
		"takes messages of at most %d bytes, the handler events of %d", config.MaxMsgSize, limit)
	add(maxPayload > 0 && maxPayload < limit,
		"raise max_payload in the configuration of the server, or lower max_event_size here",
		"is behind a server that takes messages of at most %d bytes, the handler events of %d", maxPayload, limit)
	add(config.Discard == jetstream.DiscardOld, "set discard to new: "+edit+" --discard new",
		"drops its oldest events when it is full")
	add(config.DiscardNewPerSubject, "set discard_new_per_subject to false in the stream's configuration",
		"refuses events of a subject that is full, and they hold up those of the others")
	add(config.PersistMode == jetstream.AsyncPersistMode,
		"copy it into a stream with the default persist_mode, which cannot be changed",
		"acknowledges events before it has stored them: a crash of the server loses some")
	add(!config.AllowBatchPublish, "set allow-fast on nats-server 2.14 or newer: "+edit+" --allow-fast",
		"does not allow batched publishing, which costs less")
	return found
}

// EnvelopeRoom is what the handler may add to an event: times, message id, library,
// and a user agent and a referrer of a usual length.
const EnvelopeRoom = 4 << 10
