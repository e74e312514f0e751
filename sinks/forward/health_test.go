// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

const (
	linesWait  = "events wait in the spool until they can be delivered"
	linesAgain = "events are delivered again"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	type step struct {
		after time.Duration
		err   error // nil: it works
	}
	away, full := errors.New("away"), errors.New("full")
	var many []step
	for i := range 20 {
		many = append(many, step{quiet, fmt.Errorf("trouble %d", i)})
	}
	for name, test := range map[string]struct {
		steps       []step
		wait, again int
	}{
		"well":             {[]step{{0, nil}, {time.Hour, nil}}, 0, 0},
		"short":            {[]step{{0, away}, {quiet - 1, away}, {1, nil}}, 0, 0},
		"often short":      {[]step{{0, away}, {1, nil}, {quiet, away}, {1, nil}}, 0, 0},
		"long":             {[]step{{0, away}, {quiet, away}, {time.Hour, away}, {1, nil}, {1, nil}}, 1, 1},
		"another cause":    {[]step{{0, away}, {quiet, away}, {1, full}, {1, away}, {1, nil}}, 2, 1},
		"again":            {[]step{{0, away}, {quiet, away}, {1, nil}, {1, away}, {quiet, away}, {1, nil}}, 2, 2},
		"many causes":      {many, maxCauses, 0},
		"no end":           {[]step{{0, away}, {quiet, away}}, 1, 0},
		"one failure only": {[]step{{0, away}, {time.Hour, nil}}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zap.DebugLevel)
				h := health{quiet: quiet, logger: func() *zap.Logger { return zap.New(core) }}
				for _, s := range test.steps {
					time.Sleep(s.after) // of the bubble's clock: it takes no time
					if s.err == nil {
						h.works()
					} else {
						h.fails(s.err)
					}
				}
				if n := logs.FilterMessage(linesWait).Len(); n != test.wait {
					t.Errorf("%d lines that events wait, want %d", n, test.wait)
				}
				if n := logs.FilterMessage(linesAgain).Len(); n != test.again {
					t.Errorf("%d lines that events are delivered again, want %d", n, test.again)
				}
			})
		})
	}
}
