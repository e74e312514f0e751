// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func init() { pixeltest.BeCaddy() }

// subcommands are those of caddy segment-pixel, as its help lists them.
func subcommands(t *testing.T) []string {
	t.Helper()
	out, _, code := pixeltest.RunCaddy(t, "", "segment-pixel")
	_, list, found := strings.Cut(out, "Available Commands:\n")
	if code != 0 || !found {
		t.Fatalf("exit status %d:\n%s", code, out)
	}
	list, _, _ = strings.Cut(list, "\n\n")
	var names []string
	for _, line := range strings.Split(list, "\n") {
		names = append(names, strings.Fields(line)[0])
	}
	return names
}

// roff is what the source of a manual page has besides its text.
var roff = regexp.MustCompile(`\\f[BIPR]|\\&|\\`)

// TestCommandsAreDocumented reads every help, and has Caddy make the manual pages.
func TestCommandsAreDocumented(t *testing.T) {
	names := subcommands(t)
	if len(names) < 2 {
		t.Fatalf("got %v", names)
	}
	dir := t.TempDir()
	if _, stderr, code := pixeltest.RunCaddy(t, "", "manpage", "--directory", dir); code != 0 {
		t.Fatalf("manpage: exit status %d: %s", code, stderr)
	}
	for _, name := range names {
		help, _, code := pixeltest.RunCaddy(t, "", "segment-pixel", name, "--help")
		if code != 0 || strings.Contains(help, "\t") {
			t.Errorf("the help of %s has a tab, or ends with %d:\n%s", name, code, help)
		}
		text, _, _ := strings.Cut(help, "Usage:")
		for _, line := range strings.Split(text, "\n") {
			if len(line) > 90 {
				t.Errorf("the help of %s has a line of %d characters: %s", name, len(line), line)
			}
		}
		page, err := os.ReadFile(filepath.Join(dir, "caddy-segment-pixel-"+name+".8"))
		if err != nil {
			t.Fatal(err)
		}
		// What looks like markup is lost on the way to a manual page.
		plain := roff.ReplaceAllString(string(page), "")
		for _, word := range strings.Fields(text) {
			if !strings.Contains(plain, strings.ReplaceAll(word, `\`, "")) {
				t.Errorf("the manual page of %s has lost %q", name, word)
			}
		}
		if strings.Contains(text, "$ caddy") && !regexp.MustCompile(`(?m)^\.EX\n(.*\n)*?\$ caddy`).Match(page) {
			t.Errorf("the manual page of %s does not set its examples apart: indent them by four spaces", name)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "caddy-segment-pixel.8"))
	if err != nil {
		t.Error(err)
	}
	for _, name := range names {
		if !strings.Contains(strings.ReplaceAll(string(page), `\-`, "-"), "caddy-segment-pixel-"+name) {
			t.Errorf("the manual page of all does not name %s:\n%s", name, page)
		}
	}
}

func TestCommandsComplete(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if _, stderr, code := pixeltest.RunCaddy(t, "", "completion", shell); code != 0 {
			t.Errorf("completion %s: exit status %d: %s", shell, code, stderr)
		}
	}
	out, _, code := pixeltest.RunCaddy(t, "", "__complete", "segment-pixel", "")
	for _, name := range subcommands(t) {
		if code != 0 || !strings.Contains(out, "\n"+name+"\t") && !strings.HasPrefix(out, name+"\t") {
			t.Errorf("%s is not completed: exit status %d\n%s", name, code, out)
		}
	}
}

// TestExitStatus runs commands as a shell does.
func TestExitStatus(t *testing.T) {
	tests := map[string]struct {
		stdin  string
		args   []string
		code   int
		stdout string // a part of it
		stderr string
	}{
		"accepted":        {"", []string{"explain", "writeKey=k&userId=u&event=e"}, 0, "accepted", ""},
		"rejected":        {"", []string{"explain", "writeKey=k"}, 4, "no_identity", ""},
		"rejected in log": {"/v1/pixel/page\n", []string{"explain", "-"}, 4, "no_data", ""},
		"no such type":    {"", []string{"explain", "--type", "x", "a=1"}, 1, "", `--type \"x\" is no event type`},
		"no such flag":    {"", []string{"explain", "--x"}, 1, "", "unknown flag: --x"},
		"no argument":     {"", []string{"explain"}, 1, "", "accepts 1 arg(s)"},
		"no such command": {"", []string{"exlpain"}, 1, "", `unknown command "exlpain"`},
		"a URL":           {"", []string{"url", "--base", "https://example.com", "--type", "page", "--write-key", "k", "--user-id", "u", "--url"}, 0, "https://example.com/v1/pixel/page?data=", ""},
		"a bad URL":       {"", []string{"url", "--base", "https://example.com", "--write-key", "k", "--url"}, 4, "https://example.com/v1/pixel/track?data=", "no_identity"},
		"no base":         {"", []string{"url"}, 1, "", "--base is missing"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := pixeltest.RunCaddy(t, test.stdin, append([]string{"segment-pixel"}, test.args...)...)
			if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit status %d\n%s\n%s", code, stdout, stderr)
			}
			if test.stderr == "" && stderr != "" || strings.Contains(stderr, "exiting with status") || test.stdout == "" && stdout != "" {
				t.Errorf("it says too much:\n%s\n%s", stdout, stderr)
			}
		})
	}
}
