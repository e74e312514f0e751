// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

// TestFeedDropsWhoDoesNotRead has two clients of a feed, of which one never reads.
func TestFeedDropsWhoDoesNotRead(t *testing.T) {
	list := feedList{byID: make(map[string]*feed)}
	wanted := &selection{id: "all", filter: &watch.Filter{}}
	reading, _, leave := list.join(wanted)
	idle, _, leaveIdle := list.join(wanted)
	f := list.byID["all"]
	if len(list.byID) != 1 || len(f.clients) != 2 {
		t.Fatalf("%d feeds, %d clients", len(list.byID), len(f.clients))
	}
	for range feedBehind + 1 {
		list.send(f, watch.Recent.Newest(), []byte("frame"))
		<-reading
	}
	for range feedBehind {
		if _, ok := <-idle; !ok {
			t.Fatal("frames that were sent before are gone")
		}
	}
	if _, ok := <-idle; ok || len(f.clients) != 1 {
		t.Error("who does not read is still there")
	}
	leaveIdle()
	leave()
	<-f.ended
	if len(list.byID) != 0 {
		t.Error("a feed without clients is still there")
	}
}
