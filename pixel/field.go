// SPDX-License-Identifier: Apache-2.0

package pixel

// field is a top-level field that the rules or the envelope know.
type field uint8

const (
	fieldOther field = iota
	fieldUserID
	fieldAnonymousID
	fieldGroupID
	fieldPreviousID
	fieldMessageID
	fieldWriteKey
	fieldType
	fieldEvent
	fieldName
	fieldCategory
	fieldProperties
	fieldTraits
	fieldContext
	fieldIntegrations
	fieldTimestamp
	fieldOriginalTimestamp
	fieldSentAt
	fieldReceivedAt

	fieldCount
)

// fieldOf finds a field by its exact name; Segment's names are case-sensitive.
func fieldOf(name []byte) field {
	switch string(name) {
	case "userId":
		return fieldUserID
	case "anonymousId":
		return fieldAnonymousID
	case "groupId":
		return fieldGroupID
	case "previousId":
		return fieldPreviousID
	case "messageId":
		return fieldMessageID
	case "writeKey":
		return fieldWriteKey
	case "type":
		return fieldType
	case "event":
		return fieldEvent
	case "name":
		return fieldName
	case "category":
		return fieldCategory
	case "properties":
		return fieldProperties
	case "traits":
		return fieldTraits
	case "context":
		return fieldContext
	case "integrations":
		return fieldIntegrations
	case "timestamp":
		return fieldTimestamp
	case "originalTimestamp":
		return fieldOriginalTimestamp
	case "sentAt":
		return fieldSentAt
	case "receivedAt":
		return fieldReceivedAt
	default:
		return fieldOther
	}
}

// mayBeEmpty tells whether a parameter of this name keeps an empty value. For
// the others, empty means absent: a mail template whose merge tag found nothing
// must not identify anybody.
func mayBeEmpty(name []byte) bool {
	switch string(name) {
	case "userId", "anonymousId", "groupId", "previousId", "messageId", "writeKey":
		return false
	default:
		return true
	}
}
