// SPDX-License-Identifier: Apache-2.0

package pixel

// Reason says why a request did not become an event. The list is closed, and it
// is the only one: metrics, logs, the rejected subject and every other surface
// use these names.
type Reason uint8

// The reasons stand in the order in which they are tested: the first that
// applies is the one reported.
const (
	// Accepted is the zero value: the request became an event.
	Accepted Reason = iota
	// Method: the request was not GET, HEAD or OPTIONS.
	Method
	// UnknownRoute: the path is under a prefix but names no event type.
	UnknownRoute
	// NoData: neither a data parameter nor any field.
	NoData
	// BadBase64: data has a byte that belongs to no base64 alphabet.
	BadBase64
	// Truncated: the base64 text or the JSON in it ends early.
	Truncated
	// NotUTF8: the payload is not UTF-8.
	NotUTF8
	// BadJSON: the payload is not strict JSON, or repeats a name.
	BadJSON
	// NotObject: the payload is JSON, but not an object.
	NotObject
	// TooDeep: the object nests deeper than 64 levels.
	TooDeep
	// TooLarge: the object has more bytes than the configuration allows.
	TooLarge
	// CaseMangled: data holds no upper-case letter and decodes to no JSON,
	// which is what remains when a client lower-cases the URL.
	CaseMangled
	// NotSealed: the site takes sealed pixels alone, and this is none.
	NotSealed
	// BadSeal: data is a token that cannot be opened.
	BadSeal
	// NoWriteKey: the payload has no write key.
	NoWriteKey
	// UnknownWriteKey: the write key is none of the configured ones.
	UnknownWriteKey
	// NoIdentity: neither userId nor anonymousId.
	NoIdentity
	// NoEvent: a track call without a non-empty text event.
	NoEvent
	// NoGroupID: a group call without groupId.
	NoGroupID
	// NoPreviousID: an alias call without userId, or with neither previousId
	// nor anonymousId.
	NoPreviousID
	// BadType: a field of the specification has the wrong JSON type.
	BadType
	// GPC: the request carries Sec-GPC: 1 and the site honours it.
	GPC
	// DNT: the request carries DNT: 1 and the site honours it.
	DNT
	// Suppressed: the person has withdrawn consent.
	Suppressed
	// Undeliverable: the request became an event, but no stream can ever store it.
	// It comes from delivery; decoding never gives it.
	Undeliverable

	reasonCount
)

var reasonNames = [reasonCount]string{
	Accepted:        "accepted",
	Method:          "method",
	UnknownRoute:    "unknown_route",
	NoData:          "no_data",
	BadBase64:       "bad_base64",
	Truncated:       "truncated",
	NotUTF8:         "not_utf8",
	BadJSON:         "bad_json",
	NotObject:       "not_object",
	TooDeep:         "too_deep",
	TooLarge:        "too_large",
	CaseMangled:     "case_mangled",
	NotSealed:       "not_sealed",
	BadSeal:         "bad_seal",
	NoWriteKey:      "no_write_key",
	UnknownWriteKey: "unknown_write_key",
	NoIdentity:      "no_identity",
	NoEvent:         "no_event",
	NoGroupID:       "no_group_id",
	NoPreviousID:    "no_previous_id",
	BadType:         "bad_type",
	GPC:             "gpc",
	DNT:             "dnt",
	Suppressed:      "suppressed",
	Undeliverable:   "undeliverable",
}

// String returns the name that every surface shows.
func (r Reason) String() string {
	if r < reasonCount {
		return reasonNames[r]
	}
	return "unknown"
}

// Reasons returns every reason for a rejection, in the order in which they are
// tested.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonCount-1)
	for r := Accepted + 1; r < reasonCount; r++ {
		all = append(all, r)
	}
	return all
}
