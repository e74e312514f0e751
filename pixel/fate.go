// SPDX-License-Identifier: Apache-2.0

package pixel

// fate is what becomes of one parameter of a query.
type fate uint8

const (
	// isField: it is a field of the event.
	isField fate = iota
	// isData: it is data, which is read by itself.
	isData
	// isIgnored: its name is one of ignore_params.
	isIgnored
	// isEmptyIdentity: it has no value, which means that it is absent.
	isEmptyIdentity
	// hasBadName: its dotted name has an empty part.
	hasBadName
	// isRepeated: an earlier one has the same name.
	isRepeated
	// runsThroughText: the beginning of its dotted name is a text already.
	runsThroughText
	// replacesLonger: it is a field, and those that its name begins are none.
	replacesLonger
	// isSurplus: there are more fields than an event may hold.
	isSurplus
	// isEmptyData: it is data without a value. Only Explain tells that apart.
	isEmptyData
	// isLater: what it is depends on the other parameters.
	isLater

	fateCount
)

// fateTexts say why a parameter is no field, for those that are none.
var fateTexts = [fateCount]string{
	isIgnored:       "one of ignore_params",
	isEmptyIdentity: "empty, which means absent",
	hasBadName:      "a part of the dotted name is empty",
	isRepeated:      "repeated: the first one counts",
	runsThroughText: "its beginning is a text already: the shorter name counts",
	isSurplus:       "more than an event may hold",
	isEmptyData:     "empty",
}
