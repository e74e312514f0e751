// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestHints reads every reason and every repair aloud: each has sentences of its own
// that say more than its name.
func TestHints(t *testing.T) {
	seen := make(map[string]string)
	check := func(name, hint string) {
		t.Helper()
		switch {
		case len(hint) < 60 || !strings.HasSuffix(hint, "."):
			t.Errorf("%s: %q is no sentence", name, hint)
		case len(hint) > 320:
			t.Errorf("%s: %d bytes are more than anybody reads", name, len(hint))
		case seen[hint] != "":
			t.Errorf("%s has the hint of %s", name, seen[hint])
		}
		seen[hint] = name
	}
	for _, reason := range pixel.Reasons() {
		check(reason.String(), reason.Hint())
	}
	all := ^pixel.Repair(0)
	for _, name := range all.Names() {
		check(name, pixel.RepairHint(name))
	}
	for _, none := range []string{pixel.Accepted.Hint(), pixel.Reason(200).Hint(), pixel.RepairHint("accepted"), pixel.RepairHint("")} {
		if none != "" {
			t.Errorf("got a hint where nothing is wrong: %q", none)
		}
	}
}
