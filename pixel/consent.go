// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
)

// PersonKind says by what somebody who has withdrawn consent is known.
type PersonKind uint8

// The kinds, in the order in which they are looked at.
const (
	PersonUser      PersonKind = iota // a userId
	PersonAnonymous                   // an anonymousId
	PersonEmail                       // an e-mail address, as it was written

	personKindCount
)

var personKindNames = [personKindCount]string{PersonUser: "user", PersonAnonymous: "anon", PersonEmail: "email"}

// String returns the name that stands in the keys of the list.
func (k PersonKind) String() string { return personKindNames[k] }

// PersonKinds are all of them.
func PersonKinds() []PersonKind { return []PersonKind{PersonUser, PersonAnonymous, PersonEmail} }

// Suppressor tells whether somebody has withdrawn consent. It must not keep the value.
type Suppressor func(kind PersonKind, value []byte) bool

var suppressed = failure{Suppressed, "the person has withdrawn consent"}

// consent says what the list of those who have withdrawn consent comes to for a request.
type consent uint8

const (
	given     consent = iota
	unknown           // no object could be read, so nobody knows whose it is
	withdrawn         // the person is on the list
)

// consentOf looks up the people whom the object of the call names, whatever else is
// wrong with it.
func (d *Decoder) consentOf(ws *workspace) consent {
	if d.Suppressed == nil {
		return given
	}
	c := &ws.call
	if user := ws.personIn(layout.UserID); len(user) > 0 &&
		(d.Suppressed(PersonUser, user) || bytes.IndexByte(user, '@') >= 0 && d.Suppressed(PersonEmail, user)) {
		return withdrawn
	}
	if anonymous := ws.personIn(layout.AnonymousID); len(anonymous) > 0 && d.Suppressed(PersonAnonymous, anonymous) {
		return withdrawn
	}
	for _, f := range [...]layout.Field{layout.Traits, layout.Properties} {
		if m := c.member(f); m.Kind == '{' && d.emailWithdrawn(ws, m.Value.Of(c.object)) {
			return withdrawn
		}
	}
	if m := c.member(layout.Context); m.Kind == '{' {
		if traits := ws.memberOf(m.Value.Of(c.object), "traits"); len(traits) > 0 && traits[0] == '{' && d.emailWithdrawn(ws, traits) {
			return withdrawn
		}
	}
	return given
}

// personIn is an identity as it is published; nil if there is none.
func (ws *workspace) personIn(f layout.Field) []byte {
	c := &ws.call
	if m := c.member(f); m.Kind == '0' {
		return m.Value.Of(c.object)
	}
	return c.identity(f).text
}

func (d *Decoder) emailWithdrawn(ws *workspace, object []byte) bool {
	raw := ws.memberOf(object, "email")
	return len(raw) > 0 && raw[0] == '"' && d.Suppressed(PersonEmail, ws.inner.Unquote(raw))
}

// memberOf returns the value of a member of an object that has been validated, nil if it
// has no such member.
func (ws *workspace) memberOf(object []byte, name string) []byte {
	if fault := ws.inner.ScanOwn(object); fault.Kind != layout.NoFault {
		return nil // one that is part of a valid object has no fault
	}
	for i := range ws.inner.Object.Members {
		m := &ws.inner.Object.Members[i]
		if string(ws.inner.Unquote(m.Name.Of(object))) == name {
			return m.Value.Of(object)
		}
	}
	return nil
}
