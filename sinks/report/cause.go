// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// Cause is why a sink has dropped an event that was answered. It is a label of
// metrics, so there are no others than those of [Causes].
type Cause string

// The causes. NATS did not take the event either where it is that of the spool.
const (
	CauseSpoolFull    Cause = "spool_full"
	CauseSpoolFailing Cause = "spool_failing"
	CauseNotConnected Cause = "not_connected"
	CauseNoAck        Cause = "no_ack"
	CauseNoStream     Cause = "no_stream"
	CauseStreamFull   Cause = "stream_full"
	CauseTooLarge     Cause = "too_large"
	CauseBufferFull   Cause = "buffer_full"
	CauseRefused      Cause = "refused"
	CausePanic        Cause = "panic"
	CauseConsent      Cause = "consent_unread"
	CauseOther        Cause = "other"
)

// hints say what each cause is, and what to do.
var hints = [...]struct {
	cause Cause
	hint  string
}{
	{CauseSpoolFull, "The spool has reached max_size, and NATS does not take the event either. Mend what keeps NATS from taking events, or give the spool more room."},
	{CauseSpoolFailing, "The spool's disk is full, broken, read-only or away, and NATS does not take the event either. Mend the disk: the spool goes on by itself."},
	{CauseNotConnected, "NATS is away, and the sink keeps nothing meanwhile. Use jetstream with a spool where no event may be lost."},
	{CauseNoAck, "No stream has acknowledged the event in time. Look at the load and the leader of the stream, or give it longer with ack_timeout."},
	{CauseNoStream, "No stream takes the subject. Make one that does, or have the sink make it with stream and create."},
	{CauseStreamFull, "The stream has reached a limit and discards what is new. Raise its limits, or let consumers take more of it."},
	{CauseTooLarge, "The event is larger than NATS or the stream takes. Raise max_payload or the stream's largest message, or lower max_event_size."},
	{CauseBufferFull, "Too many events wait in memory: NATS is away, or slower than they come. Use jetstream with a spool, which waits on disk."},
	{CauseRefused, "NATS or the stream has refused the event, often for want of permission. The log has its answer; the doctor looks at permissions."},
	{CausePanic, "The sink has panicked, which is a bug of it. The log has the stack: report it."},
	{CauseConsent, "The list of those who have withdrawn consent was never read. Make the bucket, or let Caddy get at it: the doctor says what is missing."},
	{CauseOther, "The sink could not take the event. The log has its error, such as a file that cannot be written."},
}

// Causes returns all causes.
func Causes() []Cause {
	causes := make([]Cause, len(hints))
	for i := range hints {
		causes[i] = hints[i].cause
	}
	return causes
}

// Hint says what the cause is, and what to do.
func (c Cause) Hint() string {
	for i := range hints {
		if hints[i].cause == c {
			return hints[i].hint
		}
	}
	return ""
}

// ErrPanic stands for the error of a sink that has panicked instead of returning one.
var ErrPanic = errors.New("the sink panicked")

// What stands for causes of its own.
var (
	ErrOutboxFull    = errors.New("the buffer for events is full: NATS is away, or slower than they come")
	ErrTooManyDirect = errors.New("too many events wait for an ack already")
	ErrConsentUnread = errors.New("the list of those who have withdrawn consent was never read")
)

// UntakenError is why neither the spool nor NATS has taken an event.
type UntakenError struct{ Spool, Direct error }

func (e *UntakenError) Error() string {
	return "the spool does not take the event (" + e.Spool.Error() + "), nor does NATS: " + e.Direct.Error()
}

func (e *UntakenError) Unwrap() []error { return []error{e.Spool, e.Direct} }

// CauseOf returns the cause that an error of a sink's Publish stands for. That of the
// spool comes first: an event only meets NATS itself when the spool does not take it.
func CauseOf(err error) Cause {
	if errors.Is(err, ErrPanic) {
		return CausePanic
	}
	if errors.Is(err, ErrConsentUnread) {
		return CauseConsent
	}
	if errors.Is(err, spool.ErrFull) {
		return CauseSpoolFull
	}
	if _, ok := errors.AsType[*UntakenError](err); ok {
		return CauseSpoolFailing
	}
	if errors.Is(err, ErrOutboxFull) || errors.Is(err, ErrTooManyDirect) {
		return CauseBufferFull
	}
	return causeOfNATS(err)
}

func causeOfNATS(err error) Cause {
	switch {
	case errors.Is(err, forward.ErrNotConnected), forward.IsDown(err):
		return CauseNotConnected
	case errors.Is(err, forward.ErrNoAck), errors.Is(err, nats.ErrTimeout),
		errors.Is(err, jetstream.ErrAsyncPublishTimeout), errors.Is(err, jetstream.ErrTooManyStalledMsgs):
		return CauseNoAck
	case errors.Is(err, forward.ErrUncovered), forward.IsNoStream(err):
		return CauseNoStream
	case forward.IsFullStream(err):
		return CauseStreamFull
	case errors.Is(err, nats.ErrBadSubject):
		return CauseRefused
	case forward.CanNeverBeStored(err):
		return CauseTooLarge
	}
	if _, ok := errors.AsType[*jetstream.APIError](err); ok ||
		errors.Is(err, nats.ErrPermissionViolation) || errors.Is(err, nats.ErrHeadersNotSupported) {
		return CauseRefused
	}
	return CauseOther
}
