// SPDX-License-Identifier: Apache-2.0

package seal_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
)

// TestRingSeesEveryChange opens a token before the ring has started, and changes the file
// between the first reading and the start.
func TestRingSeesEveryChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seals")
	write := func(s *seal.Set) {
		t.Helper()
		text, err := json.Marshal(s)
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	first, second := set(t), set(t)
	write(first)
	r := seal.NewRing(file, zap.NewNop())
	opens := func(s *seal.Set) bool {
		_, _, ok := r.Open(sealed(t, s, object, "a"))
		return ok
	}
	if !opens(first) || opens(second) {
		t.Error("a ring that was not started has not read its keys")
	}
	second.Keys = second.Keys[:1] // another size is seen on every file system
	write(second)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	end, look := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
	defer look.Stop()
	for !opens(second) {
		select {
		case <-look.C:
		case <-end:
			t.Fatal("the change was not seen")
		}
	}
}
