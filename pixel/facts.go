// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"net/netip"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
)

// Facts is what a request tells besides its query. Nothing else of a request
// reaches the event: no cookie and no other header field.
type Facts struct {
	// Received is when the request came, by the server's clock.
	Received time.Time
	// IP is the client's address as it may be published; the invalid zero value
	// publishes none.
	IP netip.Addr
	// UserAgent is the User-Agent field, Referer the Referer field. Empty means
	// absent.
	UserAgent, Referer string
	// Fetch is who has fetched the pixel. The zero value publishes nothing of that.
	Fetch fetcher.Verdict
	// FetchReason says why Fetch is so, for an explanation; otherwise it is empty.
	FetchReason string
	// TraceParent is the W3C trace context that consumers continue, if any.
	TraceParent string
	// OptOut is GPC or DNT when the request carries that signal and the site
	// honours it; otherwise Accepted.
	OptOut Reason
}
