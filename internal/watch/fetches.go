// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
)

var fetchesDesc = prometheus.NewDesc("caddy_segment_pixel_fetches_total",
	"Events by who has fetched the pixel.", []string{"kind", "by"}, nil)

// fetchCounts counts events by who has fetched the pixel. There are as many verdicts as
// the table and the configurations have.
type fetchCounts struct {
	mu    sync.Mutex
	known atomic.Pointer[map[fetcher.Verdict]*atomic.Uint64] // replaced, never changed
}

func (c *fetchCounts) add(verdict fetcher.Verdict) {
	if verdict.Kind == fetcher.None {
		return
	}
	if known := c.known.Load(); known != nil {
		if count := (*known)[verdict]; count != nil {
			count.Add(1)
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	more := make(map[fetcher.Verdict]*atomic.Uint64)
	if known := c.known.Load(); known != nil {
		maps.Copy(more, *known)
	}
	if more[verdict] == nil {
		more[verdict] = new(atomic.Uint64)
	}
	more[verdict].Add(1)
	c.known.Store(&more)
}

func (c *fetchCounts) collect(metrics chan<- prometheus.Metric) {
	known := c.known.Load()
	if known == nil {
		return
	}
	for verdict, count := range *known {
		metrics <- prometheus.MustNewConstMetric(fetchesDesc, prometheus.CounterValue, float64(count.Load()), verdict.Kind.String(), verdict.By)
	}
}
