// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// timing is what a load found out about its pixels.
type timing struct {
	answers []time.Duration // of the pixels that were answered: from when one was due to its answer; sorted
	pace    []time.Duration // of all pixels: from when one was due to when the load itself was ready to send it; sorted
}

// onTime sends pixels for a time, each when it is due, over whichever connection
// is free. A pixel that finds none free waits, and this counts as time to its
// answer: a Caddy that stalls must not look better for having been asked less.
func (l *load) onTime(rate int, d time.Duration) timing {
	due := make([]time.Duration, int(d.Seconds()*float64(rate)))
	for n := range due {
		due[n] = time.Duration(n) * time.Second / time.Duration(rate)
	}
	answers := make([][]time.Duration, len(l.senders))
	for c, s := range l.senders {
		// What dials anew in the round would measure the dialling, too.
		s.dial()
		answers[c] = make([]time.Duration, 0, len(due)/len(l.senders)*2)
	}
	// It holds them all, so that whoever fills it never waits for an answer.
	queue := make(chan time.Time, len(due))
	var done sync.WaitGroup
	for c, s := range l.senders {
		done.Go(func() {
			defer s.hangUp()
			for at := range queue {
				if s.send() {
					answers[c] = append(answers[c], time.Since(at))
					l.answered.Add(1)
				}
			}
		})
	}
	pace := fill(queue, due)
	done.Wait()
	all := slices.Concat(answers...)
	slices.Sort(all)
	slices.Sort(pace)
	return timing{answers: all, pace: pace}
}

// fill puts each pixel into the queue when it is due, and returns how late it was
// with each.
func fill(queue chan<- time.Time, due []time.Duration) []time.Duration {
	defer close(queue)
	late := make([]time.Duration, len(due))
	// Everything is at rest before the first one is due.
	start := time.Now().Add(10 * time.Millisecond)
	for n, after := range due {
		at := start.Add(after)
		sleepUntil(at)
		late[n] = time.Since(at)
		queue <- at
	}
	return late
}

// sleepUntil is exact to some 50 microseconds. A timer of Go may be late by a
// millisecond, which is more than most answers take.
func sleepUntil(at time.Time) {
	for wait := time.Until(at); wait > 0; wait = time.Until(at) {
		request := unix.NsecToTimespec(int64(wait))
		// A signal of Go's scheduler may cut it short.
		_ = unix.Nanosleep(&request, nil)
	}
}

// percentile is of sorted durations.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}
