// SPDX-License-Identifier: Apache-2.0

package messageid

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestMessageID reads what an identifier tells back out of it.
func TestMessageID(t *testing.T) {
	for _, at := range []time.Time{
		time.UnixMilli(0),
		time.Date(2026, 3, 4, 5, 6, 7, 891_999_999, time.UTC),
		time.UnixMilli(1<<48 - 1),
	} {
		id, err := uuid.ParseBytes(Append(nil, at))
		if err != nil {
			t.Fatal(err)
		}
		if id.Version() != 7 || id.Variant() != uuid.RFC4122 {
			t.Errorf("%s: version %d, variant %v", id, id.Version(), id.Variant())
		}
		milliseconds := int64(0)
		for _, b := range id[:6] {
			milliseconds = milliseconds<<8 | int64(b)
		}
		if milliseconds != at.UnixMilli() {
			t.Errorf("%s tells %d ms, want %d", id, milliseconds, at.UnixMilli())
		}
	}
}

func TestMessageIDsDifferAndSort(t *testing.T) {
	var ids []string
	seen := make(map[string]bool)
	for at := time.Unix(0, 0); len(ids) < 10_000; at = at.Add(time.Microsecond) {
		id := string(Append(nil, at))
		ids = append(ids, id)
		seen[id] = true
		seen[string(Append(nil, at))] = true
	}
	if !slices.IsSorted(ids) {
		t.Error("the identifiers do not sort by time")
	}
	if len(seen) != 2*len(ids) {
		t.Errorf("%d different identifiers, want %d", len(seen), 2*len(ids))
	}
	if id, err := uuid.Parse(New()); err != nil || id.Version() != 7 {
		t.Errorf("%v, %v", id, err)
	}
}
