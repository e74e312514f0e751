// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/shown"
)

// call is one scanned object together with the event type of its route.
type call struct {
	typ    Type
	object []byte
	layout *layout.Object

	unquoted []byte // memory of text
	// identities are those of the object, from when they have been checked.
	identities [len(identities)]identity
	repairs    Repair // what was mended in the object
	sealed     string // the source of the key of the seal, if it has one
	key        string // the known write key of an earlier call: often it is the same
}

// identities are the fields that identify somebody, in the order of their constants.
var identities = [...]layout.Field{layout.UserID, layout.AnonymousID, layout.GroupID, layout.PreviousID}

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
	if c.sealed != "" {
		return c.sealed, failure{}
	}
	text := c.text(layout.WriteKey)
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
	if c.names(layout.UserID) || c.names(layout.AnonymousID) {
		return failure{}
	}
	return failure{NoIdentity, "neither userId nor anonymousId" + c.unfilledTag(layout.UserID, "userId") + c.unfilledTag(layout.AnonymousID, "anonymousId")}
}

// checkType applies what Segment asks of single event types.
func (c *call) checkType() failure {
	switch c.typ {
	case Track:
		if len(c.text(layout.Event)) == 0 {
			return failure{NoEvent, "event is missing, empty or no text"}
		}
	case Group:
		if !c.names(layout.GroupID) {
			return failure{NoGroupID, "groupId is missing or empty" + c.unfilledTag(layout.GroupID, "groupId")}
		}
	case Alias:
		if !c.names(layout.UserID) {
			return failure{NoPreviousID, "userId, the new identity, is missing or empty" + c.unfilledTag(layout.UserID, "userId")}
		}
		if !c.names(layout.PreviousID) && !c.names(layout.AnonymousID) {
			return failure{NoPreviousID, "neither previousId nor anonymousId" + c.unfilledTag(layout.PreviousID, "previousId")}
		}
	}
	return failure{}
}

func (c *call) checkFieldTypes() failure {
	for _, f := range identities {
		if m := c.member(f); m.Present() && m.Kind != '"' && m.Kind != '0' {
			return c.badType(f, "must be text")
		}
	}
	for _, f := range [...]layout.Field{layout.Properties, layout.Traits, layout.Context, layout.Integrations} {
		if m := c.member(f); m.Present() && m.Kind != '{' {
			return c.badType(f, "must be an object")
		}
	}
	for _, f := range [...]layout.Field{layout.Event, layout.Name, layout.Category} {
		if m := c.member(f); m.Present() && m.Kind != '"' {
			return c.badType(f, "must be text")
		}
	}
	return failure{}
}

func (c *call) badType(f layout.Field, must string) failure {
	return failure{BadType, string(c.member(f).Name.Of(c.object)) + " " + must}
}

func (c *call) member(f layout.Field) *layout.Member { return &c.layout.Known[f] }

// names tells whether a field identifies somebody.
func (c *call) names(f layout.Field) bool { return c.identities[f-layout.UserID].present }

// unfilledTag says of a field that it holds nothing but a merge tag, if that is so.
func (c *call) unfilledTag(f layout.Field, name string) string {
	tag := c.identities[f-layout.UserID].tag
	if tag == "" {
		return ""
	}
	return "; " + name + " is the merge tag " + shown.Name(tag) + ", which was not filled in"
}

// text returns the text of a field, or nil where it has none. It is good until the
// next call.
func (c *call) text(f layout.Field) []byte {
	m := c.member(f)
	if m.Kind != '"' {
		return nil
	}
	raw := m.Value.Of(c.object)
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	c.unquoted, _ = jsontext.AppendUnquote(c.unquoted[:0], raw)
	return c.unquoted
}
