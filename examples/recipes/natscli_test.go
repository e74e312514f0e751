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
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

const natscli = "v0.5.1"

// buildNATS builds the command line of NATS once, in a module of its own, and returns its
// folder.
func buildNATS(t *testing.T) string {
	t.Helper()
	dir, err := natsTool()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var natsDir string // of the tool, once it is built

var natsTool = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nats-tool")
	if err != nil {
		return "", err
	}
	natsDir = dir
	for _, args := range [][]string{
		{"mod", "init", "tool"},
		{"get", "-tool", "github.com/nats-io/natscli/nats@" + natscli},
		{"build", "-o", "nats", "github.com/nats-io/natscli/nats"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go %v: %w\n%s", args, err, out)
		}
	}
	return dir, nil
})

// TestMain removes what was built.
func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(natsDir)
	os.Exit(code)
}

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	// helpBlock is a command in the help of one of ours.
	helpBlock = regexp.MustCompile(`(?m)^ +\$ (nats (?:[^\n\\]|\\\n)*)`)
	// remedy is a command that the doctor proposes, and that the sink logs.
	remedy = regexp.MustCompile(`(?m)(?:-> |` + "`" + `)(nats stream add [^\n` + "`" + `]*)`)
)

// printedCommands are those of NATS that documents and helps print, one script each.
func printedCommands(t *testing.T) map[string][]string {
	t.Helper()
	commands := make(map[string][]string)
	files := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../*/README.md", "../../internal/command/*/*.go", "../../internal/command/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "cluster") { // TestCluster runs those
			continue
		}
		text := readFile(t, name)
		for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
			if script := natsLines(block[1]); strings.Contains(script, "nats ") {
				commands[name] = append(commands[name], script)
			}
		}
		for _, block := range append(helpBlock.FindAllStringSubmatch(text, -1), remedy.FindAllStringSubmatch(text, -1)...) {
			commands[name] = append(commands[name], block[1])
		}
	}
	return commands
}

// natsLines leaves of a script what is about NATS: its commands, and the loops around them.
func natsLines(script string) string {
	var lines []string
	continued := false
	for line := range strings.Lines(script) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if continued || word == "nats" || word == "for" || word == "done" {
			lines = append(lines, line)
			continued = strings.HasSuffix(strings.TrimSpace(line), `\`)
		}
	}
	return strings.Join(lines, "")
}

// TestPrintedNATSCommands runs every command of NATS that is printed, without a terminal:
// one that asks a question fails.
func TestPrintedNATSCommands(t *testing.T) {
	tool := buildNATS(t)
	total := 0
	for name, scripts := range printedCommands(t) {
		for _, script := range scripts {
			total++
			t.Run(filepath.Base(name), func(t *testing.T) { runNATS(t, tool, script) })
		}
	}
	if total < 6 {
		t.Errorf("%d commands are found", total)
	}
}

func runNATS(t *testing.T, tool, script string) {
	t.Helper()
	b := pixeltest.StartNATS(t, -1)
	if !strings.Contains(script, "stream add") {
		if _, err := b.Js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "SEGMENT", Subjects: []string{"segment.events.>"}, Duplicates: time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+tool+":"+os.Getenv("PATH"), "NATS_URL="+b.Server.ClientURL(), "XDG_CONFIG_HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, script, out)
	}
}
