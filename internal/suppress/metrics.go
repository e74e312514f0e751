// SPDX-License-Identifier: Apache-2.0

package suppress

import "github.com/prometheus/client_golang/prometheus"

// Collector shows the lists that are in use.
var Collector prometheus.Collector = collector{}

type collector struct{}

var (
	peopleDesc = prometheus.NewDesc("caddy_segment_pixel_suppressed_people",
		"How many have withdrawn consent, by the bucket that says so.", []string{"bucket"}, nil)
	currentDesc = prometheus.NewDesc("caddy_segment_pixel_suppress_current",
		"Whether changes of the bucket take effect at this time.", []string{"bucket"}, nil)
	knownDesc = prometheus.NewDesc("caddy_segment_pixel_suppress_known",
		"Whether the bucket was read once ever; events are dropped until it was.", []string{"bucket"}, nil)
)

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	to <- peopleDesc
	to <- currentDesc
	to <- knownDesc
}

// Collect implements prometheus.Collector. Of buckets of the same name in several NATS,
// it shows the worst. One that is being opened is waited for, which takes no long.
func (collector) Collect(to chan<- prometheus.Metric) {
	states := make(map[string]State)
	lists.Range(func(_, pooled any) bool {
		s := pooled.(*List).State()
		if other, found := states[s.Bucket]; found {
			s.People = min(s.People, other.People)
			s.Current, s.Known = s.Current && other.Current, s.Known && other.Known
		}
		states[s.Bucket] = s
		return true
	})
	for bucket, s := range states {
		to <- prometheus.MustNewConstMetric(peopleDesc, prometheus.GaugeValue, float64(s.People), bucket)
		to <- prometheus.MustNewConstMetric(currentDesc, prometheus.GaugeValue, flag(s.Current), bucket)
		to <- prometheus.MustNewConstMetric(knownDesc, prometheus.GaugeValue, flag(s.Known), bucket)
	}
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
