// SPDX-License-Identifier: Apache-2.0

package pixel

import "strings"

// Repair is a set of things that were mended on the way. A repaired event is
// published; the set is there so that a sender can be told what its pixels
// suffer.
type Repair uint32

// The repairs, a closed list like the reasons.
const (
	// RepairedBase64: whitespace, lost plus signs or mail padding in data.
	RepairedBase64 Repair = 1 << iota
	// RepairedEscaping: data was percent-encoded once too often.
	RepairedEscaping
	// RepairedMark: a UTF-8 byte order mark in front of the object.
	RepairedMark
	// RepairedQuotes: double quotes around the value of a parameter.
	RepairedQuotes
	// RepairedName: a leading "amp;" on the name of a parameter.
	RepairedName
	// RepairedID: an identity that was a number became text.
	RepairedID
	// RepairedMessageID: a messageId that could not be kept was replaced.
	RepairedMessageID
	// RepairedTime: a time that could not be parsed counts as absent.
	RepairedTime
	// RepairedInvisible: characters that nobody sees stood in data.
	RepairedInvisible
	// RepairedWrapping: data had around it what stood around a URL in a text.
	RepairedWrapping
	// RepairedSecondQuery: a second query or a fragment was appended to the first.
	RepairedSecondQuery
	// RepairedHTML: there were HTML character references in the query.
	RepairedHTML
	// RepairedCharset: the payload or a parameter was no UTF-8.
	RepairedCharset
	// RepairedJSON: the JSON was not strict.
	RepairedJSON
	// RepairedBrackets: the name of a parameter had brackets instead of dots.
	RepairedBrackets
	// RepairedSpaces: white space around a write key or an identity.
	RepairedSpaces
	// RepairedMergeTag: a merge tag was not filled in; an identity that was nothing
	// else counts as absent.
	RepairedMergeTag
	// RepairedUnescapedTag: a template has filled in a value without percent-encoding it,
	// as an identity or the name of a parameter shows. It is noted, and nothing mended.
	RepairedUnescapedTag
	// RepairedRepetition: a parameter came twice, of which the first counts.
	RepairedRepetition
)

var repairNames = [...]string{
	"base64", "escaping", "byte_order_mark", "quotes", "amp_name", "number_id", "message_id", "time",
	"invisible", "wrapping", "second_query", "html", "charset", "json", "brackets", "spaces", "merge_tag",
	"unescaped_tag", "repetition",
}

// RepairCount is how many repairs there are.
const RepairCount = len(repairNames)

// Names lists what the set holds, in the order of the constants.
func (r Repair) Names() []string {
	var names []string
	for i, name := range repairNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String joins the names with commas; an empty set is empty text.
func (r Repair) String() string { return strings.Join(r.Names(), ",") }
