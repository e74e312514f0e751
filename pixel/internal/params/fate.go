// SPDX-License-Identifier: Apache-2.0

package params

// fate is what becomes of one parameter of a query.
type Fate uint8

const (
	// isField: it is a field of the event.
	IsField Fate = iota
	// isData: it is data, which is read by itself.
	IsData
	// isIgnored: its name is one of ignore_params.
	IsIgnored
	// isEmptyIdentity: it has no value, which means that it is absent.
	IsEmptyIdentity
	// hasBadName: its dotted name has an empty part.
	hasBadName
	// isRepeated: an earlier one has the same name.
	IsRepeated
	// runsThroughText: the beginning of its dotted name is a text already.
	runsThroughText
	// replacesLonger: it is a field, and those that its name begins are none.
	ReplacesLonger
	// isSurplus: there are more fields than an event may hold.
	isSurplus
	// isEmptyData: it is data without a value. Only Explain tells that apart.
	IsEmptyData
	// isLater: what it is depends on the other parameters.
	IsLater

	FateCount
)

// fateTexts say why a parameter is no field, for those that are none.
var FateTexts = [FateCount]string{
	IsIgnored:       "one of ignore_params",
	IsEmptyIdentity: "empty, which means absent",
	hasBadName:      "a part of the dotted name is empty",
	IsRepeated:      "repeated: the first one counts",
	runsThroughText: "its beginning is a text already: the shorter name counts",
	isSurplus:       "more than an event may hold",
	IsEmptyData:     "empty",
}
