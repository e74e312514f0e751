// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// countStored returns how many events each stream has taken.
func countStored(ctx context.Context, broker *rig.Broker, streams []string) ([]int, error) {
	counts := make([]int, len(streams))
	for n, stream := range streams {
		var err error
		if counts[n], err = broker.Stored(ctx, stream); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// settle waits until all that was answered is stored, and what was under way at
// the end of the load as well. It returns how many requests there were: where
// events are stored, they tell also those that h2load does not count, of which
// there are many where there are many connections.
func settle(ctx context.Context, broker *rig.Broker, c *contender, before []int, result rig.Result) (int, error) {
	requests := result.Answered
	most := result.Answered + result.Unfinished + c.connections // see rig.Result
	for n, stream := range c.streams {
		if _, err := broker.AwaitStored(ctx, stream, before[n]+result.Answered); err != nil {
			return 0, fmt.Errorf("not all that was answered is stored: %w", err)
		}
		now, err := standstill(ctx, broker, stream)
		if err != nil {
			return 0, err
		}
		came := now - before[n]
		if came > most {
			return 0, fmt.Errorf("stream %s took %d events, and only %d requests can have been sent", stream, came, most)
		}
		if n > 0 && came != requests {
			return 0, fmt.Errorf("stream %s took %d events, and another one %d", stream, came, requests)
		}
		requests = came
	}
	return requests, nil
}

// standstill waits until a stream takes no more events, and returns how many it
// has taken.
func standstill(ctx context.Context, broker *rig.Broker, stream string) (int, error) {
	return rig.Standstill(ctx, func(ctx context.Context) (int, error) { return broker.Stored(ctx, stream) })
}
