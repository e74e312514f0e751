// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import "net/http"

func serveStatus(w http.ResponseWriter, _ *http.Request) error {
	return answerJSON(w, http.StatusOK, currentStatus())
}
