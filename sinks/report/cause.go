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
	CauseSpoolFull    Cause = "spool_full"     // the spool has no room
	CauseSpoolFailing Cause = "spool_failing"  // the spool's disk fails or is away
	CauseNotConnected Cause = "not_connected"  // NATS is away
	CauseNoAck        Cause = "no_ack"         // nobody has acknowledged the event in time
	CauseNoStream     Cause = "no_stream"      // no stream takes the subject
	CauseStreamFull   Cause = "stream_full"    // the stream has reached a limit
	CauseTooLarge     Cause = "too_large"      // the event is larger than NATS or the stream takes
	CauseBufferFull   Cause = "buffer_full"    // too many events wait in memory already
	CauseRefused      Cause = "refused"        // NATS or the stream has refused the event for another reason
	CausePanic        Cause = "panic"          // the sink has panicked
	CauseConsent      Cause = "consent_unread" // the list of those who have withdrawn consent was never read
	CauseOther        Cause = "other"          // anything else, such as a file that cannot be written
)

// Causes returns all causes.
func Causes() []Cause {
	return []Cause{
		CauseSpoolFull, CauseSpoolFailing, CauseNotConnected, CauseNoAck, CauseNoStream, CauseStreamFull,
		CauseTooLarge, CauseBufferFull, CauseRefused, CausePanic, CauseConsent, CauseOther,
	}
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
