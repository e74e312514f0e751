// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrNotConnected stands for every error that nats.go has while it is not
	// connected.
	ErrNotConnected = errors.New("NATS is not connected")
	// ErrNoAck is what remains when nobody answers.
	ErrNoAck = errors.New("no ack came in time: NATS or the stream's leader is slow or gone")
	// ErrUncovered is why an event is set aside when there are streams, but none for
	// its subject.
	ErrUncovered = errors.New("no stream takes the subject of the event, though there is one for others")
	// ErrDenied is why an event waits, or is set aside, when the server's permissions
	// keep our user from publishing it.
	ErrDenied = fmt.Errorf("NATS does not allow this user to publish to the subject: "+
		"allow it in the server's configuration, or in the user's JWT: %w", nats.ErrPermissionViolation)
)

// Codes of JetStream's errors, of which nats.go names no more than a few.
const (
	codeNoResources     = 10023
	codeOtherStream     = 10060
	codeMessageTooLarge = 10054
	codeStoreFailed     = 10077
	codeHeaderTooLarge  = 10097
	codeSealed          = 10109
)

// CanNeverBeStored tells whether the error lies in the message itself, so that no
// stream of this server takes it until somebody changes a limit.
func CanNeverBeStored(err error) bool {
	switch apiCode(err) {
	case codeMessageTooLarge, codeHeaderTooLarge:
		return true
	}
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrBadSubject)
}

// NeedsOperator tells whether trying again soon is of no use, because somebody has
// to do something first.
func NeedsOperator(err error) bool {
	return CanNeverBeStored(err) || IsFullStream(err) || apiCode(err) == codeSealed
}

func apiCode(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}

// IsFullStream tells whether a stream that discards new messages has reached a
// limit; the code alone says that of any trouble in its store.
func IsFullStream(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == codeStoreFailed &&
		strings.HasPrefix(api.Description, "maximum ") && strings.HasSuffix(api.Description, " exceeded")
}

// IsNoStream tells whether nobody took the message: no stream has its subject, or
// the stream has no leader at the moment, or it is another stream than the expected one.
func IsNoStream(err error) bool {
	return isOtherStream(err) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse)
}

// isOtherStream tells whether the stream that has the subject is not the expected one.
func isOtherStream(err error) bool { return apiCode(err) == codeOtherStream }

// IsDown tells whether nats.go refused a message because of its connection, or ends
// the connection because a write is stuck.
func IsDown(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) ||
		errors.Is(err, nats.ErrConnectionClosed) ||
		errors.Is(err, nats.ErrConnectionReconnecting) ||
		errors.Is(err, nats.ErrConnectionDraining) ||
		errors.Is(err, nats.ErrDisconnected)
}

// Explain adds to an error of NATS what an operator can do about it.
func Explain(err error) error {
	switch {
	case err == nil:
		return nil
	case isOtherStream(err):
		return fmt.Errorf("the subject belongs to another stream than the one that the sink names: correct stream <name>, "+
			"or move the subject; compare `nats stream ls --subjects`: %w", err)
	case IsNoStream(err):
		return fmt.Errorf("no stream takes the subject, or JetStream is off: compare `nats stream ls --subjects`: %w", err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("the event is larger than the server takes: raise max_payload there or lower max_event_size here: %w", err)
	case IsDown(err):
		return ErrNotConnected
	case IsFullStream(err):
		return fmt.Errorf("the stream is full: raise its limits or remove old messages: %w", err)
	}
	switch apiCode(err) {
	case codeNoResources:
		return fmt.Errorf("JetStream's storage is full: give the server or the account more, or remove what others keep in it: %w", err)
	case codeMessageTooLarge:
		return fmt.Errorf("the event is larger than the stream takes: raise its max_msg_size or lower max_event_size here: %w", err)
	case codeSealed:
		return fmt.Errorf("the stream is sealed, which cannot be undone: let another stream take the subject: %w", err)
	}
	return err
}
