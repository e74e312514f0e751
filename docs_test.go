// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	segmentpixel "github.com/segmentpixel/caddy-segment-pixel"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// maxREADME is how many lines a stranger is asked to read before anything else.
const maxREADME = 300

// readPage reads a page by its path below the repository.
func readPage(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// pages lists every page that people read.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
	for _, pattern := range []string{"docs/*.md", "examples/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v %v", pattern, found, err)
		}
		list = append(list, found...)
	}
	return list
}

func TestREADMEIsShort(t *testing.T) {
	if lines := strings.Count(readPage(t, "README.md"), "\n"); lines > maxREADME {
		t.Errorf("README.md has %d lines; what is not for everybody goes to docs", lines)
	}
}

// TestDocumentedConfigurations loads what the pages show.
func TestDocumentedConfigurations(t *testing.T) {
	t.Setenv("WRITE_KEY", "k")
	caddyfiles, configs, events := 0, 0, 0
	for _, page := range pages(t) {
		for _, block := range regexp.MustCompile("(?s)```(caddyfile|json)\n(.*?)```").FindAllStringSubmatch(readPage(t, page), -1) {
			language, text := block[1], block[2]
			switch {
			case language == "caddyfile":
				caddyfiles++
				_, warnings, err := pixeltest.CaddyfileAdapter().Adapt([]byte(text), map[string]any{"filename": page})
				if err != nil || len(warnings) > 0 {
					t.Errorf("%s\n%v %v", text, err, warnings)
				}
			case strings.Contains(text, `"apps"`):
				configs++
				var config caddy.Config
				if err := json.Unmarshal([]byte(text), &config); err != nil {
					t.Fatal(page, err)
				}
				if err := caddy.Validate(&config); err != nil {
					t.Errorf("%s: %s\n%v", page, text, err)
				}
			case page == filepath.Join("docs", "events.md"):
				events++
				checkSampleEvent(t, text)
			}
		}
	}
	if caddyfiles == 0 || configs == 0 || events == 0 {
		t.Errorf("found %d Caddyfiles, %d configurations, %d events", caddyfiles, configs, events)
	}
}

// checkSampleEvent compares the documented event with what Segment's sample becomes.
func checkSampleEvent(t *testing.T, text string) {
	t.Helper()
	sample := pixeltest.Parse(t, []byte(text))
	decoder := pixel.Decoder{Source: func(string) (string, bool) { return "docs", true }, Version: "v0.1.0"}
	event, rejection := decoder.Decode(pixel.Track, "data="+pixeltest.SegmentSample, &pixel.Facts{UserAgent: "x", Referer: "x"})
	if rejection != nil {
		t.Fatal(rejection.Reason)
	}
	defer event.Release()
	became := pixeltest.Parse(t, event.Body)
	for name := range became {
		if sample[name] == nil {
			t.Errorf("the documented event lacks %s", name)
		}
	}
	if len(sample) != len(became) || sample["userId"] != became["userId"] || sample["event"] != became["event"] {
		t.Errorf("documented is %v, but it is %v", sample, became)
	}
}

func TestReasonsAreDocumented(t *testing.T) {
	_, reasons, _ := strings.Cut(readPage(t, "docs/pixels.md"), "## Why a request is rejected")
	reasons, _, _ = strings.Cut(reasons, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(reasons, -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			documented = append(documented, strings.Trim(name, "`"))
		}
	}
	var want []string
	for _, reason := range pixel.Reasons() {
		want = append(want, reason.String())
	}
	if !slices.Equal(documented, want) {
		t.Errorf("documented reasons %v\nwant %v", documented, want)
	}
}

func TestCausesAreDocumented(t *testing.T) {
	page := readPage(t, "docs/observe.md")
	for _, cause := range report.Causes() {
		if row := fmt.Sprintf("\n| `%s` | %s |\n", cause, cause.Hint()); !strings.Contains(page, row) {
			t.Errorf("docs/observe.md lacks %s", row)
		}
	}
}

// TestGrammarIsDocumented wants the syntax of every UnmarshalCaddyfile in the
// reference, as it stands in the code.
func TestGrammarIsDocumented(t *testing.T) {
	reference := readPage(t, "docs/reference.md")
	grammars := 0
	for _, pattern := range []string{"*.go", "sinks/*.go", "sinks/natsserver/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, grammar := range grammarsOf(t, file) {
				grammars++
				if !strings.Contains(reference, "```\n"+grammar+"```\n") {
					t.Errorf("docs/reference.md lacks the syntax of %s:\n%s", file, grammar)
				}
			}
		}
	}
	if grammars < 7 {
		t.Errorf("found %d of the grammars of the directive, the global options and the sinks", grammars)
	}
}

// grammarsOf returns the syntax of each UnmarshalCaddyfile of a file: what is indented
// in its comment.
func grammarsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var grammars []string
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Name.Name != "UnmarshalCaddyfile" {
			continue
		}
		var grammar strings.Builder
		for line := range strings.Lines(function.Doc.Text()) {
			if indented, ok := strings.CutPrefix(line, "\t"); ok {
				grammar.WriteString(indented)
			}
		}
		if grammar.Len() == 0 {
			t.Errorf("%s: the comment of UnmarshalCaddyfile has no syntax", path)
			continue
		}
		grammars = append(grammars, grammar.String())
	}
	return grammars
}

// TestJSONIsDocumented wants the name of every JSON field in the reference.
func TestJSONIsDocumented(t *testing.T) {
	reference := readPage(t, "docs/reference.md")
	for _, root := range []any{
		segmentpixel.Handler{}, segmentpixel.App{}, natsserver.App{},
		sinks.JetStream{}, sinks.NATS{}, sinks.Writer{}, sinks.Log{},
	} {
		for _, name := range jsonNames(reflect.TypeOf(root)) {
			if !strings.Contains(reference, "`"+name+"`") {
				t.Errorf("docs/reference.md lacks `%s` of %T", name, root)
			}
		}
	}
}

// jsonNames lists the names of a type's JSON fields, at every depth.
func jsonNames(typ reflect.Type) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "" && !field.Anonymous {
			continue
		}
		if name != "" {
			names = append(names, name)
		}
		names = append(names, jsonNames(field.Type)...)
	}
	return names
}

// TestLinks follows every link between the pages, and those into the repository.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]*)\)`)
	fenced := regexp.MustCompile("(?ms)^```.*?^```")
	followed := 0
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(readPage(t, page), ""), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			followed++
			file, anchor, _ := strings.Cut(found[1], "#")
			target := filepath.Join(filepath.Dir(page), file)
			if file == "" {
				target = page
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if anchor != "" && !slices.Contains(anchorsOf(readPage(t, target)), anchor) {
				t.Errorf("%s has no section for %s of %s", target, found[1], page)
			}
		}
	}
	if followed == 0 {
		t.Error("found no link")
	}
}

// anchorsOf lists what the headings of a page are called in a link.
func anchorsOf(page string) []string {
	var anchors []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors = append(anchors, strings.ReplaceAll(name, " ", "-"))
	}
	return anchors
}

// TestMapOfTheHouse wants every folder of Go files in CONTRIBUTING.md, and no other.
func TestMapOfTheHouse(t *testing.T) {
	_, house, _ := strings.Cut(readPage(t, "CONTRIBUTING.md"), "## The map of the house")
	house, _, _ = strings.Cut(house, "\n## ")
	mapped := make(map[string]bool)
	for _, row := range regexp.MustCompile(`(?m)^\| .* \|$`).FindAllString(house, -1) {
		for _, name := range regexp.MustCompile("`([a-z/]+)`").FindAllStringSubmatch(row, -1) {
			if info, err := os.Stat(name[1]); err == nil && info.IsDir() {
				mapped[name[1]] = true
			} else if strings.Contains(name[1], "/") {
				t.Errorf("CONTRIBUTING.md names %s, which is not there", name[1])
			}
		}
	}
	for _, top := range []string{"pixel", "sinks", "internal"} {
		err := filepath.WalkDir(top, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return err
			}
			files, err := filepath.Glob(filepath.Join(path, "*.go"))
			if folder := filepath.ToSlash(path); len(files) > 0 && !mapped[folder] {
				t.Errorf("the map of the house in CONTRIBUTING.md lacks %s", folder)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
