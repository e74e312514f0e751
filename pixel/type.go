// SPDX-License-Identifier: Apache-2.0

package pixel

import "strings"

// Type is the event type, named by the last element of the path.
type Type uint8

// The event types of Segment's Tracking Pixel API.
const (
	// NoType is the zero value: the path names none of them.
	NoType Type = iota
	Identify
	Group
	Alias
	Page
	Screen
	Track

	typeCount
)

var typeNames = [typeCount]string{"", "identify", "group", "alias", "page", "screen", "track"}

// String returns the lower-case name; NoType is empty text.
func (t Type) String() string {
	if t < typeCount {
		return typeNames[t]
	}
	return ""
}

// ParseType finds the event type of a path element, in any letter case.
func ParseType(element string) Type {
	for t := NoType + 1; t < typeCount; t++ {
		// Letters outside of ASCII that fold to one within are longer.
		if len(element) == len(typeNames[t]) && strings.EqualFold(element, typeNames[t]) {
			return t
		}
	}
	return NoType
}

// Types returns every event type.
func Types() []Type { return []Type{Identify, Group, Alias, Page, Screen, Track} }
