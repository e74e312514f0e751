// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/explain"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func hiddenLine(uri, more string) string {
	return `{"level":"info","ts":1646861401.5,"msg":"handled request","request":{"method":"GET","host":"h","uri":"` + uri + `"},"status":200` + more + "}\n"
}

// TestExplainHiddenQueries reads the log that the README recommends: it says what became
// of a pixel, and not why.
func TestExplainHiddenQueries(t *testing.T) {
	const hidden = "/v1/pixel/track?(hidden)"
	log := hiddenLine(hidden, `,"pixel":"accepted"`) +
		hiddenLine(hidden, `,"became":"unknown_write_key"`) +
		hiddenLine(hidden, `,"pixel":"dropped"`) +
		hiddenLine("/v1/pixel/page", `,"pixel":"no_data"`) +
		hiddenLine("/v1/pixel/page?data=REDACTED", `,"pixel":"accepted"`) +
		hiddenLine(hidden, "") +
		hiddenLine("/index.html?(hidden)", "") +
		hiddenLine("/v1/pixel/page?writeKey=k&userId=u", `,"pixel":"no_identity"`)
	explainInput(t, strings.NewReader(log), "-").Want(4,
		"     1  accepted  track     as the log says, whose query is hidden\n",
		"     2  rejected  track     unknown_write_key: as the log says",
		"     3  dropped   track", "     4  rejected  page      no_data", "     5  accepted  page",
		"     6  unknown   track     the query is hidden, and the outcome is not in the log",
		"     8  accepted  page\n",
		"pixels in 7 of 8 lines", "       3  accepted\n", "       1  dropped: a sink did not", "       1  unknown: the query is hidden", "       1  unknown_write_key")
	explainInput(t, strings.NewReader(log), "-", "--json").Want(4, `"outcome":"accepted","detail":"as the log says`, `"hidden":1`, `"dropped":1`)
	explainInput(t, strings.NewReader(hiddenLine(hidden, `,"pixel":"accepted"`)), "-").Want(0, "1  accepted")
	explainInput(t, strings.NewReader(hiddenLine(hidden, "")), "-").Want(1, "what became of 1 pixel cannot be told", "log_append")
}

// TestExplainFile reads a log by its name, also one that was rolled and compressed.
func TestExplainFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(name, []byte(explainedLog), 0o600); err != nil {
		t.Fatal(err)
	}
	pixeltest.Execute(t, explain.New(), name).Want(4, "pixels in 5 of 8 lines")
	file, err := os.Create(name + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := gzip.NewWriter(file)
	if _, err := w.Write([]byte(explainedLog)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	pixeltest.Execute(t, explain.New(), name+".gz").Want(4, "pixels in 5 of 8 lines")
}
