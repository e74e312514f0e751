// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
)

func serveRecent(w http.ResponseWriter, r *http.Request) error {
	wanted, err := parseSelection(r.URL.Query())
	if err != nil {
		return badRequest(err)
	}
	views := []watch.View{}
	var from watch.Cursor
	for wait := (<-chan struct{})(nil); wait == nil; {
		page := watch.Recent.Read(&from, wanted.filter)
		views = append(views, wanted.views(&page)...)
		if wanted.limit > 0 && len(views) > wanted.limit {
			views = views[len(views)-wanted.limit:]
		}
		wait = page.Wait
	}
	return answerJSON(w, http.StatusOK, map[string]any{"records": views})
}
