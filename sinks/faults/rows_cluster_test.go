// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import "time"

// clusterRows need three servers and a stream with three replicas.
func clusterRows() []row {
	three := setting{cluster: true}
	return []row{
		{name: "cluster: kill -9 of the leader", setting: three, fault: killLeaders},
		{name: "cluster: rolling restart", setting: three, fault: rollingRestart},
		{name: "cluster: step-down of the leader", setting: three, fault: stepDowns},
	}
}

// killLeaders kills the server that leads the stream of the first lane, and then,
// in the long run, that of the other. A second server ends only when the first has
// all it missed: less than two of three are no cluster.
func killLeaders(s *scene) error {
	for range choose(1, 3) {
		for _, l := range s.lanes[:choose(1, len(s.lanes))] {
			if err := s.align(l.way); err != nil {
				return err
			}
			leader, err := s.broker.leader(l.way)
			if err != nil {
				return err
			}
			if err := inOrder(leader.kill,
				func() error { return s.lasts(100*time.Millisecond, 10*time.Second) },
				s.recovers, leader.start, s.whole); err != nil {
				return err
			}
		}
	}
	return nil
}

// align makes one server the leader of all streams, so that a kill concerns all.
func (s *scene) align(first way) error {
	leader, err := s.broker.leader(first)
	if err != nil {
		return err
	}
	return s.each(func(l *lane) error {
		return await("one server leads all streams", func() (bool, error) {
			other, err := s.broker.leader(l.way)
			if err != nil || other == leader {
				return err == nil, err
			}
			return false, s.broker.stepDown(l.way, leader.name)
		})
	})
}

func rollingRestart(s *scene) error {
	for _, n := range s.broker.servers {
		if err := inOrder(n.terminate,
			func() error { return s.lasts(100*time.Millisecond, 10*time.Second) },
			n.start, s.whole); err != nil {
			return err
		}
	}
	return nil
}

func stepDowns(s *scene) error {
	return times(choose(2, 20),
		func() error { return s.each(func(l *lane) error { return s.broker.stepDown(l.way, "") }) },
		s.recovers)
}

// whole waits until the cluster has recovered.
func (s *scene) whole() error {
	return s.each(func(l *lane) error { return s.broker.whole(l.way) })
}
