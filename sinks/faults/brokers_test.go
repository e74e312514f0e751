// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import "testing"

// brokers keeps servers from one row to the next, as a cluster takes seconds to
// elect its leaders. Every row has streams of its own. After a row that failed,
// the next one gets new servers.
type brokers struct {
	t      *testing.T // of all rows
	single *broker
	three  *broker
}

func (b *brokers) get(cluster bool) (*broker, error) {
	kept, servers := &b.single, 1
	if cluster {
		kept, servers = &b.three, 3
	}
	if *kept != nil {
		return *kept, nil
	}
	started, err := startBroker(b.t.TempDir(), servers)
	if err != nil {
		return nil, err
	}
	b.t.Cleanup(started.end)
	*kept = started
	return started, nil
}

// giveBack takes the servers of a row that has ended.
func (b *brokers) giveBack(used *broker, failed bool) {
	for _, w := range ways() {
		failed = failed || used.deleteStream(w) != nil
	}
	if !failed {
		return
	}
	used.end()
	if used == b.single {
		b.single = nil
	} else {
		b.three = nil
	}
}
