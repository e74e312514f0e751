// SPDX-License-Identifier: Apache-2.0

package badblock

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestBeyondTheSurvey has more bad blocks than can be tried at once: those that the time
// did not suffice for keep what is known of them.
func TestBeyondTheSurvey(t *testing.T) {
	const a, b, patience = 0, BlockSize, time.Minute
	works := func() bool { return true }
	start := time.Now()
	var blocks Blocks
	for range LeastTries {
		blocks.Failed([]int64{a, b}, 2*BlockSize, start)
	}
	blocks.Failed([]int64{a}, b, start) // slowly
	if !blocks.GiveUp(patience, start.Add(patience), works) || !blocks.Without(a) || !blocks.Without(b) {
		t.Error("two blocks were not given up together")
	}
	blocks.Failed(nil, 2*BlockSize, start)
	if blocks.Without(a) || blocks.Without(b) {
		t.Error("what can be read is given up")
	}
}

// slowFile takes long to say that it cannot read a block.
type slowFile struct{ File }

func (f slowFile) ReadAt(p []byte, _ int64) (int, error) {
	if len(p) == BlockSize {
		time.Sleep(surveyTime / 3) // of the bubble's clock: it takes no time
	}
	return 0, syscall.EIO
}

// TestSurveyEnds has a disk that takes long for each of many blocks.
func TestSurveyEnds(t *testing.T) {
	const blocks, most = 30, 4 // a third of the time each, and the one that is over it
	name := filepath.Join(t.TempDir(), "segment")
	if err := os.WriteFile(name, make([]byte, blocks*BlockSize), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		text, err := Read(name, func(name string) (File, error) {
			file, err := OpenFile(name)
			return slowFile{file}, err
		}, 0, blocks*BlockSize, nil, nil)
		if err != nil || text.Err == nil || text.End != 0 {
			t.Fatalf("got %v, and %v at %d", err, text.Err, text.End)
		}
		if failed := len(text.Failed); failed != most || text.Surveyed != most*BlockSize {
			t.Errorf("%d blocks were tried, up to %d", failed, text.Surveyed)
		}
	})
}
