// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"github.com/segmentpixel/caddy-segment-pixel/internal/status"
)

type healthAnswer struct {
	Status   string   `json:"status"`
	Problems []string `json:"problems,omitempty"`
}

func serveLiveness(w http.ResponseWriter, _ *http.Request) error {
	return answerJSON(w, http.StatusOK, healthAnswer{Status: "live"})
}

// serveReadiness answers for load balancers and orchestrators, which look at the
// status code alone. The pixel is answered all the same.
func serveReadiness(w http.ResponseWriter, _ *http.Request) error {
	s := status.Current()
	if !s.Ready {
		return answerJSON(w, http.StatusServiceUnavailable, healthAnswer{Status: "not ready", Problems: s.Problems})
	}
	return answerJSON(w, http.StatusOK, healthAnswer{Status: "ready"})
}
