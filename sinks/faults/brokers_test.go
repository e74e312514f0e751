// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"sync"
	"testing"
)

// brokers keeps servers from one row to the next, as a cluster takes seconds to
// elect its leaders. Every row has streams of its own. Servers of a row that failed
// are not used again.
type brokers struct {
	t *testing.T // of all rows

	mu   sync.Mutex
	idle map[bool][]*broker // by whether they are a cluster
}

func (b *brokers) get(cluster bool) (*broker, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.idle[cluster]); n > 0 {
		last := b.idle[cluster][n-1]
		b.idle[cluster] = b.idle[cluster][:n-1]
		return last, nil
	}
	servers := 1
	if cluster {
		servers = 3
	}
	started, err := startBroker(b.t.TempDir(), servers)
	if err != nil {
		return nil, err
	}
	b.t.Cleanup(started.end)
	return started, nil
}

// giveBack takes the servers of a row that has ended.
func (b *brokers) giveBack(used *broker, cluster, failed bool) {
	for _, w := range ways() {
		failed = failed || used.deleteStream(w) != nil
	}
	if failed {
		used.end()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle[cluster] = append(b.idle[cluster], used)
}
