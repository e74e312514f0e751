// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"github.com/segmentpixel/caddy-segment-pixel/internal/status"
)

func serveStatus(w http.ResponseWriter, _ *http.Request) error {
	return answerJSON(w, http.StatusOK, status.Current())
}
