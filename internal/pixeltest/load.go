// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// Load sends numbered pixels from several connections until it is stopped, and
// counts those that were answered.
type Load struct {
	site     *Site
	Answered sync.Map
	Count    atomic.Int64
	stop     chan struct{}
	once     sync.Once
	done     sync.WaitGroup
}

// StartLoad begins to send pixels, until the end of the test at the latest.
func (s *Site) StartLoad(connections int) *Load {
	l := &Load{site: s, stop: make(chan struct{})}
	for c := range connections {
		l.done.Go(func() { l.send(c) })
	}
	s.T.Cleanup(l.End)
	return l
}

// End ends sending.
func (l *Load) End() {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
}

func (l *Load) send(connection int) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		default:
		}
		id := fmt.Sprintf("%d-%d", connection, n)
		response, err := client.Get(l.site.URL + "/v1/pixel/page?" + Data(`{"writeKey":"k","userId":"u","messageId":"`+id+`"}`))
		if err != nil {
			// A server that shuts down closes idle connections; the client may send
			// into that. Nothing was answered, so nothing was promised.
			continue
		}
		if response.Body.Close() == nil && response.StatusCode == http.StatusOK {
			l.Answered.Store(id, true)
			l.Count.Add(1)
		}
	}
}

// Await waits until so many more pixels have been answered.
func (l *Load) Await(more int64) {
	target := l.Count.Load() + more
	Eventually(l.site.T, "more answers", func() bool { return l.Count.Load() >= target })
}

// Check stops the load and compares what was answered with what is stored.
func (l *Load) Check(b *Broker) {
	l.site.T.Helper()
	l.End()
	stored := make(map[string]int)
	for _, msg := range b.Await(int(l.Count.Load())) {
		stored[Parse(l.site.T, msg.Data)["messageId"].(string)]++
	}
	lost, doubled, answered := 0, 0, 0
	l.Answered.Range(func(id, _ any) bool {
		answered++
		switch n := stored[id.(string)]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
		return true
	})
	l.site.T.Logf("answered %d, stored %d, lost %d, doubled %d", answered, len(stored), lost, doubled)
	if lost > 0 || doubled > 0 || answered == 0 {
		l.site.T.Errorf("answered %d, stored %d, lost %d, doubled %d", answered, len(stored), lost, doubled)
	}
}

// Says tells whether the rest of the site answers with this text. A connection
// that Caddy's closing listener had not accepted yet is reset in a reload.
func (s *Site) Says(text string) bool {
	response, err := http.DefaultClient.Get(s.URL + "/")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return err == nil && string(body) == text
}
