// SPDX-License-Identifier: Apache-2.0

package conntest

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
)

// ObserveLogs collects what connections opened during the test log.
func ObserveLogs(t *testing.T) *observer.ObservedLogs {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	original := natsconn.Logger
	natsconn.Logger = func() *zap.Logger { return zap.New(core) }
	t.Cleanup(func() { natsconn.Logger = original })
	return logs
}

// WantEmptyPool fails the test if there is a connection.
func WantEmptyPool(t *testing.T) {
	t.Helper()
	if n := natsconn.Pooled(); n > 0 {
		t.Errorf("the pool still holds %d connections", n)
	}
}
