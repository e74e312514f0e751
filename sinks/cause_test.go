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
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/meter"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
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
		want report.Cause
	}{
		{&report.UntakenError{Spool: spool.ErrFull, Direct: forward.ErrNotConnected}, report.CauseSpoolFull},
		{&report.UntakenError{Spool: failing, Direct: forward.ErrNoAck}, report.CauseSpoolFailing},
		{&report.UntakenError{Spool: &delivery.OpenError{Cause: syscall.EROFS}, Direct: full}, report.CauseSpoolFailing},
		{&report.UntakenError{Spool: spool.ErrClosed, Direct: report.ErrTooManyDirect}, report.CauseSpoolFailing},
		{forward.ErrNotConnected, report.CauseNotConnected},
		{nats.ErrConnectionClosed, report.CauseNotConnected},
		{nats.ErrReconnectBufExceeded, report.CauseNotConnected},
		{forward.ErrNoAck, report.CauseNoAck},
		{jetstream.ErrAsyncPublishTimeout, report.CauseNoAck},
		{nats.ErrNoResponders, report.CauseNoStream},
		{jetstream.ErrNoStreamResponse, report.CauseNoStream},
		{forward.ErrUncovered, report.CauseNoStream},
		{full, report.CauseStreamFull},
		{api(10077, "error writing to the disk"), report.CauseRefused},
		{api(10109, "stream is sealed"), report.CauseRefused},
		{api(10054, "message size exceeds maximum allowed"), report.CauseTooLarge},
		{api(10097, "header size exceeds maximum allowed of 64k"), report.CauseTooLarge},
		{nats.ErrMaxPayload, report.CauseTooLarge},
		{nats.ErrBadSubject, report.CauseRefused},
		{nats.ErrPermissionViolation, report.CauseRefused},
		{forward.ErrDenied, report.CauseRefused},
		{report.ErrOutboxFull, report.CauseBufferFull},
		{report.ErrTooManyDirect, report.CauseBufferFull},
		{report.ErrPanic, report.CausePanic},
		{errWriterStuck, report.CauseOther},
		{fs.ErrPermission, report.CauseOther},
		{errors.New("of a sink that nobody knows"), report.CauseOther},
	} {
		for _, err := range []error{test.err, forward.Explain(test.err), fmt.Errorf("the sink: %w", test.err)} {
			if got := report.CauseOf(err); got != test.want {
				t.Errorf("%v is caused by %s, want %s", err, got, test.want)
			}
		}
	}
}

func TestCauses(t *testing.T) {
	seen := make(map[report.Cause]bool)
	for _, cause := range report.Causes() {
		if seen[cause] {
			t.Errorf("%s is there twice", cause)
		}
		seen[cause] = true
		if _, err := prometheus.NewConstMetric(meter.DroppedDesc, prometheus.CounterValue, 1, "sink", "server", "subject", string(cause)); err != nil {
			t.Errorf("%s is no label: %v", cause, err)
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d causes, want 12", len(seen))
	}
}
