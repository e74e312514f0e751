// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

var update = flag.Bool("update", false, "write the documents that tests make")

// repairExamples has a query to try for each repair.
var repairExamples = map[string]string{
	"base64":          "data=" + split(std(tried)),
	"escaping":        "data%3D" + b64(tried) + "%26cb%3D1",
	"byte_order_mark": "data=" + b64("\ufeff"+tried),
	"quotes":          `writeKey=k&userId="u1"&event=E`,
	"amp_name":        "writeKey=k&amp;userId=u1&amp;event=E",
	"number_id":       "data=" + b64(`{"writeKey":"k","userId":5,"event":"E"}`),
	"message_id":      "data=" + b64(`{"writeKey":"k","userId":"u1","event":"E","messageId":7}`),
	"time":            "writeKey=k&userId=u1&event=E&timestamp=yesterday",
	"invisible":       "data=" + b64(tried)[:20] + "%E2%80%8B" + b64(tried)[20:],
	"wrapping":        "data=%22" + b64(tried) + "%22%3E",
	"second_query":    "data=" + b64(tried) + "?utm_source=news",
	"html":            "data=" + url.QueryEscape(strings.ReplaceAll(tried, `"`, "&quot;")),
	"charset":         "writeKey=k&userId=u1&event=caf%E9",
	"json":            "data=" + b64(strings.TrimSuffix(tried, "}")+",}"),
	"brackets":        "writeKey=k&userId=u1&event=E&properties[tags][]=a&properties[tags][]=b",
	"spaces":          "writeKey=k&userId=%20u1%20&event=E",
	"merge_tag":       "writeKey=k&userId={{userId}}&anonymousId=a1&event=E",
	"unescaped_tag":   "writeKey=k&userId=jane+news@x.de&event=E",
	"repetition":      "writeKey=k&userId=u1&event=E&properties.tags=a&properties.tags=b",
}

const tried = `{"writeKey":"k","userId":"u1","event":"E"}`

func split(s string) string { return s[:20] + "=%0D%0A" + s[20:] }

// TestRepairsAreDocumented makes the table of docs/repairs.md of the code's own list, and
// tries each of its URLs. With -update it writes it.
func TestRepairsAreDocumented(t *testing.T) {
	all := pixel.Repair(1<<pixel.RepairCount) - 1
	var table strings.Builder
	table.WriteString("| repair | what to do about it | try it: `/v1/pixel/track?…` |\n|---|---|---|\n")
	for _, name := range all.Names() {
		query, ok := repairExamples[name]
		if !ok {
			t.Fatalf("there is no example of %s", name)
		}
		decoder := newDecoder()
		event, rejection := decoder.Decode(pixel.Track, query, &pixel.Facts{Received: received})
		if rejection != nil {
			t.Fatalf("%s: %s: %s", name, rejection.Reason, rejection.Detail)
		}
		if !slices.Contains(event.Repairs.Names(), name) {
			t.Errorf("%s needs %v", query, event.Repairs.Names())
		}
		event.Release()
		fmt.Fprintf(&table, "| `%s` | %s | `%s` |\n", name, pixel.RepairHint(name), query)
	}
	file := filepath.Join("..", "docs", "repairs.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(text), "| repair |")
	if !found {
		t.Fatal("there is no table")
	}
	if *update {
		if err := os.WriteFile(file, []byte(head+table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := head + table.String(); string(text) != want {
		t.Error("the table is not the code's: go test ./pixel -run Repairs -update")
	}
}
