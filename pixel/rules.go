// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// call is one scanned object together with the event type of its route.
type call struct {
	typ    Type
	object []byte
	layout *layout

	unquoted []byte // memory of text
	// identities are those of the object, from when they have been checked.
	identities [len(identities)]identity
	repairs    Repair // what was mended in the object
	key        string // the known write key of an earlier call: often it is the same
}

// identities are the fields that identify somebody, in the order of their constants.
var identities = [...]field{fieldUserID, fieldAnonymousID, fieldGroupID, fieldPreviousID}

// check applies the rules on who and what, in the order of the reasons. It
// returns the source as soon as that is known, rejected or not.
func (c *call) check(sourceOf func(string) (string, bool), facts *Facts) (source string, fail failure) {
	source, fail = c.checkWriteKey(sourceOf)
	if fail.failed() {
		return source, fail
	}
	if fail = c.checkIdentity(); fail.failed() {
		return source, fail
	}
	if fail = c.checkType(); fail.failed() {
		return source, fail
	}
	if fail = c.checkFieldTypes(); fail.failed() {
		return source, fail
	}
	return source, checkOptOut(facts)
}

func checkOptOut(facts *Facts) failure {
	switch facts.OptOut {
	case Accepted:
		return failure{}
	case GPC:
		return failure{GPC, "the request carries Sec-GPC: 1"}
	default:
		return failure{DNT, "the request carries DNT: 1"}
	}
}

func (c *call) checkWriteKey(sourceOf func(string) (string, bool)) (string, failure) {
	text := c.text(fieldWriteKey)
	if len(text) == 0 {
		return "", failure{NoWriteKey, "writeKey is missing, empty or no text"}
	}
	key := c.key
	if key != string(text) {
		key = string(text)
	}
	source, known := sourceOf(key)
	if !known {
		if trimmed, changed := trimmedKey(text); changed && len(trimmed) == 0 {
			return "", failure{NoWriteKey, "writeKey is nothing but white space"}
		} else if changed {
			key = string(trimmed)
			source, known = sourceOf(key)
			c.repairs |= RepairedSpaces
		}
	}
	if !known {
		return "", failure{UnknownWriteKey, "no source has this write key"}
	}
	c.key = key
	return source, failure{}
}

func (c *call) checkIdentity() failure {
	for i, f := range identities {
		c.identities[i] = c.identity(f)
	}
	if c.names(fieldUserID) || c.names(fieldAnonymousID) {
		return failure{}
	}
	return failure{NoIdentity, "neither userId nor anonymousId" + c.unfilledTag(fieldUserID, "userId") + c.unfilledTag(fieldAnonymousID, "anonymousId")}
}

// checkType applies what Segment asks of single event types.
func (c *call) checkType() failure {
	switch c.typ {
	case Track:
		if len(c.text(fieldEvent)) == 0 {
			return failure{NoEvent, "event is missing, empty or no text"}
		}
	case Group:
		if !c.names(fieldGroupID) {
			return failure{NoGroupID, "groupId is missing or empty" + c.unfilledTag(fieldGroupID, "groupId")}
		}
	case Alias:
		if !c.names(fieldUserID) {
			return failure{NoPreviousID, "userId, the new identity, is missing or empty" + c.unfilledTag(fieldUserID, "userId")}
		}
		if !c.names(fieldPreviousID) && !c.names(fieldAnonymousID) {
			return failure{NoPreviousID, "neither previousId nor anonymousId" + c.unfilledTag(fieldPreviousID, "previousId")}
		}
	}
	return failure{}
}

func (c *call) checkFieldTypes() failure {
	for _, f := range identities {
		if m := c.member(f); m.present() && m.kind != '"' && m.kind != '0' {
			return c.badType(f, "must be text")
		}
	}
	for _, f := range [...]field{fieldProperties, fieldTraits, fieldContext, fieldIntegrations} {
		if m := c.member(f); m.present() && m.kind != '{' {
			return c.badType(f, "must be an object")
		}
	}
	for _, f := range [...]field{fieldEvent, fieldName, fieldCategory} {
		if m := c.member(f); m.present() && m.kind != '"' {
			return c.badType(f, "must be text")
		}
	}
	return failure{}
}

func (c *call) badType(f field, must string) failure {
	return failure{BadType, string(c.member(f).name.of(c.object)) + " " + must}
}

func (c *call) member(f field) *member { return &c.layout.known[f] }

// names tells whether a field identifies somebody.
func (c *call) names(f field) bool { return c.identities[f-fieldUserID].present }

// unfilledTag says of a field that it holds nothing but a merge tag, if that is so.
func (c *call) unfilledTag(f field, name string) string {
	tag := c.identities[f-fieldUserID].tag
	if tag == "" {
		return ""
	}
	return "; " + name + " is the merge tag " + shownName(tag) + ", which was not filled in"
}

// text returns the text of a field, or nil where it has none. It is good until the
// next call.
func (c *call) text(f field) []byte {
	m := c.member(f)
	if m.kind != '"' {
		return nil
	}
	raw := m.value.of(c.object)
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	c.unquoted, _ = jsontext.AppendUnquote(c.unquoted[:0], raw)
	return c.unquoted
}
