// SPDX-License-Identifier: Apache-2.0

package page

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
)

// TestServe looks at the page as a browser gets it: whole, and allowed to run what is
// in it alone.
func TestServe(t *testing.T) {
	recorder := httptest.NewRecorder()
	if err := Serve(recorder, httptest.NewRequest(http.MethodGet, adminapi.Path, http.NoBody)); err != nil {
		t.Fatal(err)
	}
	html := recorder.Body.String()
	policy := recorder.Header().Get("Content-Security-Policy")
	for _, element := range []string{"script", "style"} {
		contents := regexp.MustCompile(`(?s)<`+element+`[^>]*>(.*?)</`+element+`>`).FindAllStringSubmatch(html, -1)
		if len(contents) != 1 || !strings.Contains(policy, element+"-src "+digest(contents[0][1])) {
			t.Errorf("the page has %d elements %s, and the policy %s", len(contents), element, policy)
		}
	}
	if left := regexp.MustCompile(`<!-- include|<link rel="stylesheet"|<script[^>]* src=|(?m)^(import|export) `).FindString(html); left != "" {
		t.Errorf("the page still holds %q", left)
	}
	if err := Serve(recorder, httptest.NewRequest(http.MethodGet, adminapi.Path+"nothing", http.NoBody)); err == nil {
		t.Error("below the page there is something")
	}
}

// TestEveryFileIsUsed finds files that nothing names.
func TestEveryFileIsUsed(t *testing.T) {
	used := make(map[string]bool)
	join(watchedFS{files, used})
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !used[name] {
			t.Errorf("nothing names %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// watchedFS notes which files are opened.
type watchedFS struct {
	fs.FS
	opened map[string]bool
}

func (w watchedFS) Open(name string) (fs.File, error) {
	w.opened[name] = true
	return w.FS.Open(name)
}

func TestBundle(t *testing.T) {
	modules := fstest.MapFS{
		"js/main.js":     {Data: []byte("import \"./a.js\";\nimport { b } from \"./deep/b.js\";\nb();\n")},
		"js/a.js":        {Data: []byte("import {\n\tb,\n} from \"./deep/b.js\";\nexport const a = b;\n")},
		"js/deep/b.js":   {Data: []byte("export function b() {}\n")},
		"js/circle.js":   {Data: []byte("import { half } from \"./half.js\";\n")},
		"js/half.js":     {Data: []byte("import \"./circle.js\";\nexport const half = 1;\n")},
		"js/nowhere.js":  {Data: []byte("import \"./missing.js\";\n")},
		"js/renaming.js": {Data: []byte("import { b as c } from \"./deep/b.js\";\n")},
	}
	want := "\n// js/deep/b.js\nfunction b() {}\n\n// js/a.js\nconst a = b;\n\n// js/main.js\nb();\n"
	if got := newBundle(modules).add("js/main.js").String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for module, want := range map[string]string{
		"js/circle.js":   "js/circle.js imports itself by way of others",
		"js/nowhere.js":  "js/missing.js: file does not exist",
		"js/renaming.js": "js/renaming.js renames what it imports",
	} {
		func() {
			defer func() {
				if said, ok := recover().(string); !ok || !strings.Contains(said, want) {
					t.Errorf("%s: got %q, want %q", module, said, want)
				}
			}()
			newBundle(modules).add(module)
		}()
	}
}
