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
		var records []record
		records, _, wait = recent.read(&from, wanted.filter)
		for i := range records {
			views = append(views, records[i].view(wanted.payloads))
		}
	}
	if wanted.limit > 0 && len(views) > wanted.limit {
		views = views[len(views)-wanted.limit:]
	}
	return answerJSON(w, http.StatusOK, map[string]any{"records": views})
}
