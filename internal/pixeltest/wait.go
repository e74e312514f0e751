// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"net"
	"testing"
	"time"
)

// Patience is how long tests wait for what takes milliseconds on an idle machine.
const Patience = 30 * time.Second

// FreePort returns a port that was free a moment ago.
func FreePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Eventually waits for cond, and fails the test when it does not come about.
func Eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Receive fails the test if nothing comes out of the channel.
func Receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(Patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
