// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"syscall"
	"time"
)

// processRows end processes, and start them again.
func processRows() []row {
	return []row{
		{name: "NATS stopped and started", fault: stopNATS},
		{name: "kill -9 of NATS", fault: killNATS},
		{name: "kill -9 of Caddy", fault: killCaddy},
		{name: "kill -9 of both", fault: killBoth},
		{name: "SIGTERM of Caddy", fault: stopCaddy},
		{name: "SIGTERM of Caddy while NATS is down", fault: stopCaddyWithoutNATS},
		{name: "NATS frozen by SIGSTOP", fault: freezeNATS},
	}
}

func (s *scene) startNATS() error {
	return inParallel(s.broker.servers, (*natsServer).start)
}

func (s *scene) stopNATS() error {
	return inParallel(s.broker.servers, (*natsServer).terminate)
}

func (s *scene) killNATS() error {
	return inParallel(s.broker.servers, (*natsServer).kill)
}

func (s *scene) killCaddies() error {
	return s.each(func(l *lane) error { return l.caddy.kill() })
}

func (s *scene) stopCaddies() error {
	return s.each(func(l *lane) error { return l.caddy.terminate() })
}

func stopNATS(s *scene) error {
	return inOrder(
		s.stopNATS,
		func() error { return s.lasts(1500*time.Millisecond, time.Minute) },
		s.startNATS)
}

func killNATS(s *scene) error {
	return times(3,
		s.killNATS,
		func() error { return s.lasts(200*time.Millisecond, 10*time.Second) },
		s.startNATS,
		func() error { return s.answersFor(choose(200*time.Millisecond, 5*time.Second)) })
}

func killCaddy(s *scene) error {
	return times(choose(3, 10),
		s.killCaddies,
		s.restartCaddies,
		func() error { return s.answersFor(choose(200*time.Millisecond, 3*time.Second)) })
}

// killBoth kills both at once, and then NATS first, so that there are events that
// are nowhere but in the spool.
func killBoth(s *scene) error {
	return times(choose(1, 5),
		func() error {
			return inParallel([]func() error{s.killNATS, s.killCaddies}, func(kill func() error) error { return kill() })
		},
		s.restartCaddies, // which finds no NATS
		s.startNATS,
		s.recovers,
		s.killNATS,
		func() error { return s.answersFor(choose(300*time.Millisecond, 10*time.Second)) },
		s.killCaddies,
		s.restartCaddies,
		s.startNATS)
}

func stopCaddy(s *scene) error {
	return times(choose(2, 10),
		s.stopCaddies,
		s.restartCaddies,
		func() error { return s.answersFor(choose(200*time.Millisecond, 3*time.Second)) })
}

func stopCaddyWithoutNATS(s *scene) error {
	return times(choose(1, 3),
		s.stopNATS,
		func() error { return s.answersFor(choose(500*time.Millisecond, 15*time.Second)) },
		s.stopCaddies,
		s.restartCaddies,
		s.startNATS)
}

func freezeNATS(s *scene) error {
	return inOrder(
		func() error { return s.broker.signalAll(syscall.SIGSTOP) },
		func() error { return s.lasts(2500*time.Millisecond, 40*time.Second) },
		func() error { return s.broker.signalAll(syscall.SIGCONT) })
}
