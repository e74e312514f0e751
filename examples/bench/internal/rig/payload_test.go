// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPayloads(t *testing.T) {
	for _, c := range []struct{ count, least, most int }{
		{1000, 300, 700},
		{10, 16 << 10, 16 << 10},
		{1, 300, 300},
	} {
		payloads, err := Payloads(c.count, c.least, c.most)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		least, most := c.most, c.least
		for _, p := range payloads {
			seen[string(p)] = true
			least, most = min(least, len(p)), max(most, len(p))
			var event map[string]any
			if err := json.Unmarshal(p, &event); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
			if event["writeKey"] != WriteKey || event["messageId"] != nil {
				t.Fatalf("%s has another write key, or a message id", p)
			}
		}
		if len(seen) != c.count || least != c.least || (c.count > 1 && most != c.most) {
			t.Errorf("%d different payloads of %d to %d bytes instead of %+v", len(seen), least, most, c)
		}
	}
}

func TestPayloadsAreTheSame(t *testing.T) {
	one, err := Payloads(100, 300, 700)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Payloads(100, 300, 700)
	if err != nil {
		t.Fatal(err)
	}
	for n := range one {
		if !bytes.Equal(one[n], other[n]) {
			t.Fatalf("payload %d is %s, then %s", n, one[n], other[n])
		}
	}
}

func TestPayloadsImpossible(t *testing.T) {
	for _, c := range []struct{ count, least, most int }{{0, 300, 700}, {1, 700, 300}, {1, 20, 20}} {
		if payloads, err := Payloads(c.count, c.least, c.most); err == nil {
			t.Errorf("%+v: %s", c, payloads)
		}
	}
}

func TestWritePaths(t *testing.T) {
	payloads, err := Payloads(3, 300, 700)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "paths")
	if err := WritePaths(file, payloads); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != len(payloads) {
		t.Fatalf("%d lines", len(lines))
	}
	for n, line := range lines {
		data, found := strings.CutPrefix(line, "/v1/pixel/track?data=")
		decoded, err := base64.RawURLEncoding.DecodeString(data)
		if !found || err != nil || !bytes.Equal(decoded, payloads[n]) {
			t.Errorf("line %d is %s: %v", n, line, err)
		}
	}
}
