// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestRequestMetricsBoundSources counts for more sources than are told apart, all at
// once.
func TestRequestMetricsBoundSources(t *testing.T) {
	m := newRequestMetrics()
	request := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	const each = 20
	var all sync.WaitGroup
	for range each {
		all.Go(func() {
			for i := range 2 * maxSources {
				m.observe(&Outcome{Request: request, Source: fmt.Sprint(i), Type: pixel.Track})
			}
		})
	}
	all.Wait()
	if totals := m.Totals(); totals.Accepted != 2*maxSources*each {
		t.Errorf("%d requests are counted, want %d", totals.Accepted, 2*maxSources*each)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(m); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "caddy_segment_pixel_requests_total" && len(family.GetMetric()) != maxSources+1 {
			t.Errorf("%d series, want one for each of %d sources and one for the others", len(family.GetMetric()), maxSources)
		}
	}
}

// TestRegisterMetrics registers into one registry twice, as two handlers of a
// configuration do, and into another, as a reload does.
func TestRegisterMetrics(t *testing.T) {
	for range 2 {
		registry := prometheus.NewPedanticRegistry()
		for range 2 {
			if err := RegisterMetrics(registry); err != nil {
				t.Fatal(err)
			}
		}
		if families, err := registry.Gather(); err != nil || len(families) == 0 {
			t.Errorf("got %d families, %v", len(families), err)
		}
	}
	if err := RegisterMetrics(nil); err != nil {
		t.Errorf("without a registry: %v", err)
	}
}
