// SPDX-License-Identifier: Apache-2.0

package keys_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
)

const secret = "S3cretWriteKey"

// ring starts a ring on a file, and returns what it logs.
func ring(t *testing.T, file, content string) (*keys.Ring, *observer.ObservedLogs) {
	t.Helper()
	replace(t, file, content)
	core, logs := observer.New(zap.InfoLevel)
	k := new(keys.Ring)
	if err := k.Provision(nil, []string{file}, zap.New(core)); err != nil {
		t.Fatal(err)
	}
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Stop)
	return k, logs
}

// replace writes a file aside and renames it.
func replace(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	end, look := time.After(30*time.Second), time.NewTicker(10*time.Millisecond)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-end:
			t.Fatalf("never: %s", what)
		}
	}
}

func known(k *keys.Ring, key string) bool {
	_, ok := k.Source(key)
	return ok
}

// TestTroubleKeepsTheKeys puts into the place of a good file what is none. The keys stay
// in force, it is said once why, and the next good file is taken.
func TestTroubleKeepsTheKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, file string)
		says  string
	}{
		"emptied":       {func(t *testing.T, file string) { replace(t, file, "") }, "no key in it any more"},
		"comments only": {func(t *testing.T, file string) { replace(t, file, "# none\n") }, "no key in it any more"},
		"swapped":       {func(t *testing.T, file string) { replace(t, file, "web "+secret+".x\n") }, "line 1: the source must be"},
		"three columns": {func(t *testing.T, file string) { replace(t, file, "a b "+secret+"\n") }, "line 1: write a key and a source"},
		"twice":         {func(t *testing.T, file string) { replace(t, file, "web "+secret+"\nweb "+secret+"2\n") }, "line 2: its write key is specified twice"},
		"too large":     {func(t *testing.T, file string) { replace(t, file, strings.Repeat("# a comment\n", 100_000)) }, "larger than 1048576 bytes"},
		"folder":        {func(t *testing.T, file string) { mkdir(t, file) }, "not a regular file"},
		"missing":       {func(t *testing.T, file string) { remove(t, file) }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "keys")
			k, logs := ring(t, file, secret+" web\n")
			test.spoil(t, file)
			eventually(t, "trouble", func() bool { return k.Problem() != "" })
			if got := k.Problem(); !strings.Contains(got, test.says) || strings.Contains(got, secret) {
				t.Errorf("the trouble is %q", got)
			}
			if !known(k, secret) {
				t.Error("the key is gone")
			}
			_ = os.RemoveAll(file)
			replace(t, file, "other web\n")
			eventually(t, "the new key", func() bool { return known(k, "other") })
			if k.Problem() != "" || known(k, secret) {
				t.Errorf("the trouble is %q", k.Problem())
			}
			for _, line := range logs.All() {
				if strings.Contains(fmt.Sprint(line.Message, line.ContextMap()), secret) {
					t.Errorf("the key is in the log: %v", line)
				}
			}
			if n := logs.FilterMessageSnippet("could not be read").Len(); n < 1 || n > 2 {
				t.Errorf("the trouble was logged %d times", n)
			}
		})
	}
}

func mkdir(t *testing.T, file string) {
	t.Helper()
	remove(t, file)
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// TestNoKeyAtAll begins with an empty file, as a reload may that meets one half-written.
func TestNoKeyAtAll(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	k, _ := ring(t, file, "# none yet\n")
	if got := k.Problem(); !strings.Contains(got, "hold no key") {
		t.Errorf("the problem is %q", got)
	}
	replace(t, file, "first web\n")
	eventually(t, "the key", func() bool { return known(k, "first") && k.Problem() == "" })
}

// TestHalfWritten writes a file in place, a piece at a time. Nothing is taken before it
// stands still.
func TestHalfWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	k, logs := ring(t, file, "first web\n")
	out, err := os.OpenFile(file, os.O_TRUNC|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	pause := time.NewTicker(300 * time.Millisecond)
	defer pause.Stop()
	for _, piece := range strings.SplitAfter("first webshop-of-many-words\nsecond newsletter\n", "e") {
		if _, err := out.WriteString(piece); err != nil {
			t.Fatal(err)
		}
		<-pause.C
		if source, _ := k.Source("first"); source != "web" {
			t.Fatalf("the first key has the source %q before all is written", source)
		}
	}
	eventually(t, "the second key", func() bool { return known(k, "second") })
	if source, _ := k.Source("first"); source != "webshop-of-many-words" {
		t.Errorf("the source is %q", source)
	}
	if n := logs.FilterMessageSnippet("could not be read").Len(); n > 0 {
		t.Errorf("trouble was logged %d times", n)
	}
}

func TestValidateSaysNoKey(t *testing.T) {
	err := keys.Validate([]keys.Key{{Key: "web", Source: secret + "!"}, {Key: "mail", Source: "mail"}}, nil)
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "write_key 1: the source must be") {
		t.Errorf("got %v", err)
	}
}
