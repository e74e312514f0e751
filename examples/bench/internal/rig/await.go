// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"fmt"
	"time"
)

// patience is how long something may make no progress.
const patience = 20 * time.Second

// awaitReady asks again and again until there is no error.
func awaitReady(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// awaitCount waits until a count has come to a number, and gives up when it stands
// still for some time. It returns the count either way.
func awaitCount(ctx context.Context, number int, still time.Duration, count func(context.Context) (int, error)) (int, error) {
	last, moved := -1, time.Now()
	for {
		now, err := count(ctx)
		if err != nil {
			return now, err
		}
		if now >= number {
			return now, nil
		}
		if now != last {
			last, moved = now, time.Now()
		}
		if time.Since(moved) > still {
			return now, fmt.Errorf("%d of %d events arrived, and no more within %v", now, number, still)
		}
		select {
		case <-ctx.Done():
			return now, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Standstill waits until a count stands still, and returns it.
func Standstill(ctx context.Context, count func(context.Context) (int, error)) (int, error) {
	const still = 100 * time.Millisecond
	for last := -1; ; {
		now, err := count(ctx)
		if err != nil || now == last {
			return now, err
		}
		last = now
		select {
		case <-ctx.Done():
			return now, ctx.Err()
		case <-time.After(still):
		}
	}
}
