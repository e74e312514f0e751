// SPDX-License-Identifier: Apache-2.0

package params

// Fate is what becomes of one parameter of a query.
type Fate uint8

const (
	// IsField says: it is a field of the event.
	IsField Fate = iota
	// IsData says: it is data, which is read by itself.
	IsData
	// IsIgnored says: its name is one of ignore_params.
	IsIgnored
	// IsEmptyIdentity says: it has no value, which means that it is absent.
	IsEmptyIdentity
	// hasBadName says: its dotted name has an empty part.
	hasBadName
	// IsRepeated says: an earlier one has the same name.
	IsRepeated
	// runsThroughText says: the beginning of its dotted name is a text already.
	runsThroughText
	// ReplacesLonger says: it is a field, and those that its name begins are none.
	ReplacesLonger
	// isSurplus says: there are more fields than an event may hold.
	isSurplus
	// IsEmptyData says: it is data without a value. Only Explain tells that apart.
	IsEmptyData
	// IsLater says: what it is depends on the other parameters.
	IsLater

	// FateCount is how many fates there are.
	FateCount
)

// FateTexts say why a parameter is no field, for those that are none.
var FateTexts = [FateCount]string{
	IsIgnored:       "one of ignore_params",
	IsEmptyIdentity: "empty, which means absent",
	hasBadName:      "a part of the dotted name is empty",
	IsRepeated:      "repeated: the first one counts",
	runsThroughText: "its beginning is a text already: the shorter name counts",
	isSurplus:       "more than an event may hold",
	IsEmptyData:     "empty",
}
