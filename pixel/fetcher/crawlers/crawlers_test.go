// SPDX-License-Identifier: Apache-2.0

package crawlers_test

import (
	"bufio"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/x-way/crawlerdetect"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher/crawlers"
)

var update = flag.Bool("update", false, "take the lists from the version of crawlerdetect that go.mod names")

// module is the folder of crawlerdetect.
func module(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/x-way/crawlerdetect").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestListsAreCurrent(t *testing.T) {
	folder := module(t)
	for name, of := range map[string]string{"crawlers.txt": "crawlers.go", "exclusions.txt": "exclusions.go"} {
		want := texts(t, filepath.Join(folder, of))
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s is not what go.mod's crawlerdetect has (%v): run go test ./pixel/fetcher/crawlers -update", name, err)
		}
	}
}

// texts are the string literals of a Go file, a line each.
func texts(t *testing.T, name string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			lines.WriteString(text + "\n")
		}
		return true
	})
	return lines.String()
}

// TestHas asks both about agents of each kind.
func TestHas(t *testing.T) {
	folder := module(t)
	for _, name := range []string{"crawlers.txt", "devices.txt"} {
		file, err := os.Open(filepath.Join(folder, "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		for n := 0; lines.Scan(); n++ {
			if agent := lines.Text(); n%500 == 0 && crawlers.Has(agent) != crawlerdetect.IsCrawler(agent) {
				t.Errorf("%q is a crawler: %v, which crawlerdetect denies", agent, crawlers.Has(agent))
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
}
