// SPDX-License-Identifier: Apache-2.0

package sequence

// Ages remembers when the records were committed that are handed out and not
// acknowledged.
type Ages struct {
	records []age
	Latest  int64 // of the last record read, or a guess before there is one
}

type age struct {
	Last uint64
	at   int64
}

// Add takes a record, by its last sequence and when it was committed.
func (a *Ages) Add(last uint64, at int64) {
	a.records = append(a.records, age{last, at})
	a.Latest = at
}

// Acknowledged drops the records up to a sequence.
func (a *Ages) Acknowledged(sequence uint64) {
	n := 0
	for n < len(a.records) && a.records[n].Last <= sequence {
		n++
	}
	a.records = a.records[n:]
}

// Oldest returns zero if all records are acknowledged.
func (a *Ages) Oldest() int64 {
	if len(a.records) == 0 {
		return 0
	}
	return a.records[0].at
}
