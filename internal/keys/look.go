// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"os"
	"slices"
	"time"
)

// look is what tells versions of a file apart.
type look struct {
	there    bool
	modified time.Time
	size     int64
	info     os.FileInfo
}

func (l look) same(other look) bool {
	return l.there == other.there && l.size == other.size && l.modified.Equal(other.modified) &&
		(!l.there || os.SameFile(l.info, other.info))
}

func looksOf(files []string) []look {
	looks := make([]look, len(files))
	for i, file := range files {
		if info, err := os.Stat(file); err == nil {
			looks[i] = look{true, info.ModTime(), info.Size(), info}
		}
	}
	return looks
}

func allSame(some, others []look) bool { return slices.EqualFunc(some, others, look.same) }
