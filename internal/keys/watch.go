// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"maps"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"
)

// keyFilePoll is how often key files are looked at. Polling finds changes on any
// file system and through any kind of replacement.
const keyFilePoll = time.Second

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

// watch reads the files again when they have changed. While they cannot be read, it goes
// on trying, since a permission changes neither their times nor their sizes.
func (k *Ring) watch(cancel <-chan struct{}, inForce []look) {
	follow(cancel, k.files, inForce, func() (take func(), again bool) {
		sources, err := k.read(true)
		return func() { k.take(sources, err) }, err != nil
	})
}

// Follow reads a file again when it has changed, until cancel is closed. What was read is
// taken if the file has stood still meanwhile; with again, it is read at the next poll too.
func Follow(cancel <-chan struct{}, file string, read func() (take func(), again bool)) {
	files := []string{file}
	follow(cancel, files, looksOf(files), read)
}

// follow waits until files have changed and then stood still for a poll: one that is
// being written may have half of what it is to have.
func follow(cancel <-chan struct{}, files []string, inForce []look, read func() (take func(), again bool)) {
	ticker := time.NewTicker(keyFilePoll)
	defer ticker.Stop()
	before, again := inForce, false
	for {
		select {
		case <-cancel:
			return
		case <-ticker.C:
		}
		now := looksOf(files)
		still := allSame(now, before)
		before = now
		if !still || allSame(now, inForce) && !again {
			continue
		}
		take, failed := read()
		if !allSame(now, looksOf(files)) {
			continue // they have changed under the reading
		}
		inForce, again = now, failed
		take()
	}
}

// take puts keys into force. Where they could not be read, the old ones stay.
func (k *Ring) take(sources map[string]string, err error) {
	if err != nil {
		text := err.Error()
		if known := k.trouble.Swap(&text); known == nil || *known != text {
			k.logger.Error("the write keys changed, but could not be read: the old ones stay in force", zap.Error(err))
		}
		return
	}
	k.trouble.Store(nil)
	if old := k.sources.Swap(&sources); !maps.Equal(*old, sources) {
		k.logger.Info("read the write keys again", zap.Int("keys", len(sources)))
	}
}
