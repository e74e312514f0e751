// SPDX-License-Identifier: Apache-2.0

package spool

// ages remembers when the records were committed that are handed out and not
// acknowledged.
type ages struct {
	records []age
	latest  int64 // of the last record read, or a guess before there is one
}

type age struct {
	last uint64
	at   int64
}

func (a *ages) add(last uint64, at int64) {
	a.records = append(a.records, age{last, at})
	a.latest = at
}

// acknowledged drops the records up to a sequence.
func (a *ages) acknowledged(sequence uint64) {
	n := 0
	for n < len(a.records) && a.records[n].last <= sequence {
		n++
	}
	a.records = a.records[n:]
}

// oldest returns zero if all records are acknowledged.
func (a *ages) oldest() int64 {
	if len(a.records) == 0 {
		return 0
	}
	return a.records[0].at
}
