// SPDX-License-Identifier: Apache-2.0

package pixel

// MaxRejectedQuery is how many bytes of a rejected query are kept, 8 KiB.
const MaxRejectedQuery = 8 << 10

// Rejection is a request that did not become an event.
type Rejection struct {
	Reason Reason
	// Detail helps to find the cause. It holds no part of the payload.
	Detail string
	// Source is the source of the write key, empty while that is unknown.
	Source string
	// Type is the event type of the route, NoType if the path names none.
	Type Type
	// Query is the raw query, cut at MaxRejectedQuery bytes. It is empty if the
	// request is hidden.
	Query string
	// Hidden tells that nothing of the request may be kept but the reason: somebody
	// opted out and the site honours that, or has withdrawn consent, or may have, since
	// nobody could read whose it is. What somebody asked not to have tracked is not
	// passed on under another name.
	Hidden bool
}

// Reject makes the rejection of a request.
func Reject(reason Reason, detail string, typ Type, query string, facts *Facts) *Rejection {
	r := &Rejection{
		Reason: reason,
		Detail: detail,
		Type:   typ,
		Query:  query[:min(len(query), MaxRejectedQuery)],
	}
	if facts.OptOut != Accepted {
		r.Hide()
	}
	return r
}

// Hide takes away what nobody may keep.
func (r *Rejection) Hide() { r.Query, r.Hidden = "", true }
