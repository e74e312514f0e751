// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

var trackingAPIDesc = prometheus.NewDesc("caddy_segment_pixel_tracking_api_requests_total",
	"Requests of Segment's SDKs that the site would have answered as if their events had been taken.", nil, nil)

// trackingAPI counts requests that are meant for another API than that of pixels.
var trackingAPI struct {
	total atomic.Uint64
	log   onceAMinute
}

// NoteTrackingAPI counts one, and logs it at most once a minute.
func NoteTrackingAPI(logger *zap.Logger) {
	if total := trackingAPI.total.Add(1); trackingAPI.log.isDue() {
		logger.Warn("one of Segment's SDKs posts to this site, which takes pixels alone: it was answered 404, and its events were not taken; "+
			"have the site route these paths to what takes them, or write tracking_api pass",
			zap.Strings("paths", []string{"/v1/batch", "/v1/import", "/v1/t", "/v1/i", "/v1/p", "/v1/g", "/v1/a", "/v1/s"}), zap.Uint64("requests", total))
	}
}

func collectTrackingAPI(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(trackingAPIDesc, prometheus.CounterValue, float64(trackingAPI.total.Load()))
}
