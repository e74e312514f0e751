// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// load sends numbered pixels from several connections until it is stopped, and
// counts those that were answered.
type load struct {
	site     *site
	answered sync.Map
	count    atomic.Int64
	stop     chan struct{}
	once     sync.Once
	done     sync.WaitGroup
}

func (s *site) startLoad(connections int) *load {
	l := &load{site: s, stop: make(chan struct{})}
	for c := range connections {
		l.done.Go(func() { l.send(c) })
	}
	s.t.Cleanup(l.end)
	return l
}

func (l *load) end() {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
}

func (l *load) send(connection int) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		default:
		}
		id := fmt.Sprintf("%d-%d", connection, n)
		response, err := client.Get(l.site.url + "/v1/pixel/page?" + data(`{"writeKey":"k","userId":"u","messageId":"`+id+`"}`))
		if err != nil {
			// A server that shuts down closes idle connections; the client may send
			// into that. Nothing was answered, so nothing was promised.
			continue
		}
		if response.Body.Close() == nil && response.StatusCode == http.StatusOK {
			l.answered.Store(id, true)
			l.count.Add(1)
		}
	}
}

// await waits until so many more pixels have been answered.
func (l *load) await(more int64) {
	target := l.count.Load() + more
	eventually(l.site.t, "more answers", func() bool { return l.count.Load() >= target })
}

// check stops the load and compares what was answered with what is stored.
func (l *load) check(b *broker) {
	l.site.t.Helper()
	l.end()
	stored := make(map[string]int)
	for _, msg := range b.await(int(l.count.Load())) {
		stored[parse(l.site.t, msg.Data)["messageId"].(string)]++
	}
	lost, doubled, answered := 0, 0, 0
	l.answered.Range(func(id, _ any) bool {
		answered++
		switch n := stored[id.(string)]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
		return true
	})
	l.site.t.Logf("answered %d, stored %d, lost %d, doubled %d", answered, len(stored), lost, doubled)
	if lost > 0 || doubled > 0 || answered == 0 {
		l.site.t.Errorf("answered %d, stored %d, lost %d, doubled %d", answered, len(stored), lost, doubled)
	}
}

// says tells whether the rest of the site answers with this text. A connection
// that Caddy's closing listener had not accepted yet is reset in a reload.
func (s *site) says(text string) bool {
	response, err := http.DefaultClient.Get(s.url + "/")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return err == nil && string(body) == text
}
