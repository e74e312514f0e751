// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestFiles sends pixels through several files, and has DuckDB count them with the query
// of the README.
func TestFiles(t *testing.T) {
	dir := installNPM(t, ".", "duckdb.mjs")
	s := pixeltest.NewSite(t)
	text, err := os.ReadFile("../files/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	_, site, _ := strings.Cut(string(text), "http://localhost:8080 {")
	for _, place := range [][2]string{{"events/events.ndjson", "DIR/events/events.ndjson"}, {"roll_minutes 0", "roll_size 1MiB"}} {
		if !strings.Contains(site, place[0]) {
			t.Fatalf("the Caddyfile has no %s", place[0])
		}
		site = strings.ReplaceAll(site, place[0], place[1])
	}
	s.Load(s.Adapt("http://127.0.0.1:PORT {" + site))
	const people, machines = 2500, 100
	firefox := []string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
	fill := strings.Repeat("x", 500)
	for n := range people {
		s.Get(fmt.Sprintf("/v1/pixel/track?writeKey=YOUR_WRITE_KEY&userId=%d&event=Email+Opened&properties.x=%s", n, fill), firefox...)
	}
	for range machines {
		s.Get("/v1/pixel/track?writeKey=YOUR_WRITE_KEY&userId=m&event=Email+Opened", "User-Agent", "curl/8")
	}
	files, err := filepath.Glob(filepath.Join(s.Dir, "events", "events*.ndjson*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v: %v", files, err)
	}
	readme, err := os.ReadFile("../files/README.md")
	if err != nil {
		t.Fatal(err)
	}
	query := regexp.MustCompile("(?s)```sql\n(.*?)```").FindStringSubmatch(string(readme))[1]
	query = strings.Replace(query, "events/events", filepath.Join(s.Dir, "events", "events"), 1)
	cmd := exec.Command("node", "duckdb.mjs", query)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := fmt.Sprintf(`"opens":"%d","people":"%d"`, people, people); !strings.Contains(string(out), want) {
		t.Errorf("DuckDB says %s, want %s", out, want)
	}
}
