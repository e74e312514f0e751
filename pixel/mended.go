// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"regexp"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
)

// decodeMended is for a request that the strict reading refuses, or in which something
// looks mangled although it does not. What mending makes of the query is read strictly
// in turn; if that is of no help, what the strict reading came to stands.
func (d *Decoder) decodeMended(ws *workspace, strict verdict, typ Type, query string, facts *Facts) verdict {
	if strict.consent == withdrawn {
		return strict
	}
	mended := d.mend(query, strict.fail.reason)
	if !mended.ok {
		if strict.fail.reason.isOfPayload() && encoding.IsCaseMangled(encoding.TrimPadding(mended.cut)) {
			strict.fail = caseMangled
		}
		return strict
	}
	again := workspaces.Get().(*workspace)
	second := d.decode(again, typ, mended.query, facts)
	if !second.fail.failed() {
		second.event.Repairs |= mended.repairs
		ws.release()
		return second
	}
	again.release()
	switch {
	case strict.fail.reason.isOfPayload() && !second.fail.reason.isOfPayload():
		return second // There is a whole object, of which something else is wrong.
	case second.consent == withdrawn && !strict.fail.failed():
		return second // Whose it was meant to be counts, although it can be read in another way.
	case second.consent == withdrawn:
		strict.consent = withdrawn
	}
	return strict
}

// mayBeMended tells whether it is worth while to try. Where there is an object and only
// its content is wrong, nothing helps but what had happened to the query as a whole.
func mayBeMended(query string, reason Reason) bool {
	if reason == NotSealed || reason == BadSeal {
		return true
	}
	if reason.isOfPayload() && reason != NoData {
		return reason != TooLarge && reason != TooDeep
	}
	return strings.Contains(query, "="+encoding.EqualsOfMail) || strings.ContainsAny(query, "?#") ||
		strings.IndexByte(query, '%') >= 0 && (!hasPixelName(query) || escapedSeparator.MatchString(query))
}

// escapedSeparator is what separates parameters, or queries, and was percent-encoded.
var escapedSeparator = regexp.MustCompile(`(?i)%(?:26|3f|23)`)

// isOfPayload tells whether a reason means that no object could be read.
func (r Reason) isOfPayload() bool { return NoData <= r && r <= CaseMangled }

// mended is a query without what had happened to it on its way.
type mended struct {
	query   string
	repairs Repair
	ok      bool   // something was mended, and data holds a valid object, if there is data
	cut     string // what data was without what was cut off, if it is not
}

// mend undoes what the strict reading cannot read, in the order in which it comes to
// pass: what happened to the query as a whole first, then what happened to data. Each
// step is one pass over the text, and none is taken back.
func (d *Decoder) mend(query string, strict Reason) mended {
	m := &queryMender{strict: strict, ws: workspaces.Get().(*workspace)}
	defer m.ws.release()
	m.ws.reset(0)
	m.read(query)
	sealed := d.Unseal != nil && m.data != "" && m.mendToken()
	if !sealed && !m.mendData() || m.repairs == 0 {
		if m.cut {
			return mended{cut: m.data}
		}
		return mended{}
	}
	return mended{query: m.write(), repairs: m.repairs, ok: true}
}
