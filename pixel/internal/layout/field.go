// SPDX-License-Identifier: Apache-2.0

package layout

// Field is a top-level field that the rules or the envelope know.
type Field uint8

// The fields, by their names in JSON.
const (
	// Other is every field that is not one of these.
	Other Field = iota
	UserID
	AnonymousID
	GroupID
	PreviousID
	MessageID
	WriteKey
	Type
	Source
	Event
	Name
	Category
	Properties
	Traits
	Context
	Integrations
	Timestamp
	OriginalTimestamp
	SentAt
	ReceivedAt

	fieldCount
)

// FieldOf finds a field by its exact name; Segment's names are case-sensitive.
func FieldOf(name []byte) Field {
	switch string(name) {
	case "userId":
		return UserID
	case "anonymousId":
		return AnonymousID
	case "groupId":
		return GroupID
	case "previousId":
		return PreviousID
	case "messageId":
		return MessageID
	case "writeKey":
		return WriteKey
	case "type":
		return Type
	case "source":
		return Source
	case "event":
		return Event
	case "name":
		return Name
	case "category":
		return Category
	case "properties":
		return Properties
	case "traits":
		return Traits
	case "context":
		return Context
	case "integrations":
		return Integrations
	case "timestamp":
		return Timestamp
	case "originalTimestamp":
		return OriginalTimestamp
	case "sentAt":
		return SentAt
	case "receivedAt":
		return ReceivedAt
	default:
		return Other
	}
}
