// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

func TestCauseOf(t *testing.T) {
	api := func(code jetstream.ErrorCode, text string) error {
		return &jetstream.APIError{Code: 400, ErrorCode: code, Description: text}
	}
	full := api(10077, "maximum messages exceeded")
	failing := fmt.Errorf("writing to the spool: %w", syscall.ENOSPC)
	for _, test := range []struct {
		err  error
		want Cause
	}{
		{&untakenError{spool.ErrFull, forward.ErrNotConnected}, CauseSpoolFull},
		{&untakenError{failing, forward.ErrNoAck}, CauseSpoolFailing},
		{&untakenError{&openError{syscall.EROFS}, full}, CauseSpoolFailing},
		{&untakenError{spool.ErrClosed, errTooManyDirect}, CauseSpoolFailing},
		{forward.ErrNotConnected, CauseNotConnected},
		{nats.ErrConnectionClosed, CauseNotConnected},
		{nats.ErrReconnectBufExceeded, CauseNotConnected},
		{forward.ErrNoAck, CauseNoAck},
		{jetstream.ErrAsyncPublishTimeout, CauseNoAck},
		{nats.ErrNoResponders, CauseNoStream},
		{jetstream.ErrNoStreamResponse, CauseNoStream},
		{forward.ErrUncovered, CauseNoStream},
		{full, CauseStreamFull},
		{api(10077, "error writing to the disk"), CauseRefused},
		{api(10109, "stream is sealed"), CauseRefused},
		{api(10054, "message size exceeds maximum allowed"), CauseTooLarge},
		{api(10097, "header size exceeds maximum allowed of 64k"), CauseTooLarge},
		{nats.ErrMaxPayload, CauseTooLarge},
		{nats.ErrBadSubject, CauseRefused},
		{nats.ErrPermissionViolation, CauseRefused},
		{forward.ErrDenied, CauseRefused},
		{errOutboxFull, CauseBufferFull},
		{errTooManyDirect, CauseBufferFull},
		{ErrPanic, CausePanic},
		{errWriterStuck, CauseOther},
		{fs.ErrPermission, CauseOther},
		{errors.New("of a sink that nobody knows"), CauseOther},
	} {
		for _, err := range []error{test.err, forward.Explain(test.err), fmt.Errorf("the sink: %w", test.err)} {
			if got := CauseOf(err); got != test.want {
				t.Errorf("%v is caused by %s, want %s", err, got, test.want)
			}
		}
	}
}

func TestCauses(t *testing.T) {
	seen := make(map[Cause]bool)
	for _, cause := range Causes() {
		if seen[cause] {
			t.Errorf("%s is there twice", cause)
		}
		seen[cause] = true
		if _, err := prometheus.NewConstMetric(droppedDesc, prometheus.CounterValue, 1, "sink", "server", "subject", string(cause)); err != nil {
			t.Errorf("%s is no label: %v", cause, err)
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d causes, want 11", len(seen))
	}
}
