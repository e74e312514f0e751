// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import "net/http"

func serveRecent(w http.ResponseWriter, r *http.Request) error {
	wanted, err := parseSelection(r.URL.Query())
	if err != nil {
		return badRequest(err)
	}
	views := []recordView{}
	var from cursor
	for wait := (<-chan struct{})(nil); wait == nil; {
		page := recent.read(&from, wanted.filter)
		views = append(views, wanted.views(&page)...)
		if wanted.limit > 0 && len(views) > wanted.limit {
			views = views[len(views)-wanted.limit:]
		}
		wait = page.wait
	}
	return answerJSON(w, http.StatusOK, map[string]any{"records": views})
}
