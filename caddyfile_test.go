// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"go.uber.org/goleak"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

var updateGoldens = flag.Bool("update", false, "rewrite the JSON of the golden files in testdata/adapt")

// goldenSeparator is the line between the Caddyfile and what comes of it, as in
// Caddy's own golden files.
const goldenSeparator = "----------\n"

// eachGolden runs a subtest for every golden file of a folder.
func eachGolden(t *testing.T, folder string, test func(t *testing.T, file, input, want string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.caddyfiletest"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := strings.Cut(string(content), goldenSeparator)
			if !found && !*updateGoldens {
				t.Fatal("the file has no separator")
			}
			if formatted := string(caddyfile.Format([]byte(input))); formatted != input {
				t.Errorf("caddy fmt makes of it:\n%s", formatted)
			}
			test(t, file, input, want)
		})
	}
}

// adaptCaddyfile returns the JSON of a Caddyfile. A warning counts as an error.
func adaptCaddyfile(t *testing.T, input string) ([]byte, error) {
	t.Helper()
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
	for _, warning := range warnings {
		t.Errorf("warning: %s", warning)
	}
	return config, err
}

var envPlaceholder = regexp.MustCompile(`\{env\.(\w+)\}`)

func TestCaddyfile(t *testing.T) {
	eachGolden(t, "testdata/adapt", func(t *testing.T, file, input, want string) {
		config, err := adaptCaddyfile(t, input)
		if err != nil {
			t.Fatal(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, config, "", "\t"); err != nil {
			t.Fatal(err)
		}
		indented.WriteByte('\n')
		if *updateGoldens {
			if err := os.WriteFile(file, []byte(input+goldenSeparator+indented.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if got := indented.String(); got != want {
			t.Errorf("the JSON differs %s", firstDifference(got, want))
		}
		// The variables are set after adapting, which must not read them.
		for _, name := range envPlaceholder.FindAllStringSubmatch(input, -1) {
			t.Setenv(name[1], "value-of-"+name[1])
		}
		if err := validateConfig(t, config, `{"output":"discard"}`); err != nil {
			t.Errorf("validating: %v", err)
		}
	})
}

func TestCaddyfileErrors(t *testing.T) {
	eachGolden(t, "testdata/adapt/errors", func(t *testing.T, _, input, want string) {
		_, err := adaptCaddyfile(t, input)
		if err == nil {
			t.Fatalf("no error, want %s", want)
		}
		if got := err.Error() + "\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if !strings.Contains(err.Error(), ", at Caddyfile:") {
			t.Error("the error names no line")
		}
	})
}

// firstDifference shows the first lines that differ.
func firstDifference(got, want string) string {
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i, line := range gotLines {
		if i >= len(wantLines) {
			return "by surplus lines, from: " + line
		}
		if line != wantLines[i] {
			return "in the line: " + line + "\nwhich should be: " + wantLines[i]
		}
	}
	return "by missing lines"
}

// validateConfig does what `caddy validate` does, with the log going to a writer.
func validateConfig(t *testing.T, config []byte, writer string) error {
	t.Helper()
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(config, &cfg); err != nil {
		t.Fatal(err)
	}
	cfg.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(writer), Level: "WARN"}},
	}}
	return caddy.Validate(cfg)
}

// TestStartErrorsNameThePlace has two handlers, of which the second cannot start.
func TestStartErrorsNameThePlace(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for option, want := range map[string]string{
		"write_keys " + dir:                             "write_keys file " + dir,
		"sink jetstream {\ncreds " + dir + "/none\n}":   "sink jetstream: creds: open " + dir + "/none",
		"sink nats {\ncontext " + dir + "/none.json\n}": "sink nats: context " + dir + "/none.json: ",
		"sink jetstream {\nspool " + dir + "/file\n}":   "sink jetstream: spool " + dir + "/file: ",
	} {
		s := pixeltest.NewSite(t)
		body := "segment_pixel {\nwrite_key k web\nsink writer discard\n}\nhandle /other/* {\nsegment_pixel {\nwrite_key k web\npath_prefix /other\n" + option + "\n}\n}"
		err := caddy.Load(s.Config(body), true)
		if place := "handler of " + s.URL + "/other: " + want; err == nil || !strings.Contains(err.Error(), place) {
			t.Errorf("with %q the error is %v, want one with %q", option, err, place)
		}
	}
}

// TestValidateTouchesNothing has every option that names a file or an address.
func TestValidateTouchesNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	home := t.TempDir()
	t.Chdir(home)
	for _, name := range []string{"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, home)
	}
	config, err := adaptCaddyfile(t, strings.NewReplacer("ADDRESS", listener.Addr().String(), "HOME", filepath.ToSlash(home)).Replace(`{
	storage file_system HOME/storage
}

:80 {
	segment_pixel {
		write_key {file.HOME/missing/key} web
		write_keys HOME/missing/keys
		write_keys missing/keys
		sink nats nats://ADDRESS
		sink nats nats://ADDRESS {
			creds HOME/missing/creds
		}
		sink nats nats://ADDRESS {
			nkey HOME/missing/nkey
			tls {
				ca HOME/missing/ca
				cert HOME/missing/cert HOME/missing/key
				first
			}
		}
		sink nats {
			context HOME/missing/context.json
		}
		sink jetstream nats://ADDRESS {
			user {file.HOME/missing/user} {file.HOME/missing/password}
			stream SEGMENT {
				create
			}
		}
		sink jetstream nats://ADDRESS {
			jwt {file.HOME/missing/jwt} {file.HOME/missing/seed}
		}
		sink writer file HOME/missing/events.ndjson
		sink writer file missing/events.ndjson {
			roll_disabled
		}
		sink writer net ADDRESS
	}
}
`))
	if err != nil {
		t.Fatal(err)
	}
	validate := func() {
		t.Helper()
		if err := validateConfig(t, config, `{"output":"discard"}`); err != nil {
			t.Errorf("validating: %v", err)
		}
	}
	// Caddy itself starts goroutines that stay, the first time.
	validate()
	before := goleak.IgnoreCurrent()
	validate()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}

	// The system keeps connections in the order in which they came.
	own, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	first, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.RemoteAddr().String() != own.LocalAddr().String() {
		t.Error("validating opened a network connection")
	}
	err = filepath.WalkDir(home, func(path string, _ fs.DirEntry, err error) error {
		if path != home {
			t.Errorf("validating made %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDefaultSinkWarns(t *testing.T) {
	for _, test := range []struct {
		name, options string
		warns         bool
	}{
		{"no sink", "write_key k", true},
		{"log named", "write_key k\n\t\tsink log", false},
		{"another sink", "write_key k\n\t\tsink nats", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, err := adaptCaddyfile(t, ":80 {\n\tsegment_pixel {\n\t\t"+test.options+"\n\t}\n}\n")
			if err != nil {
				t.Fatal(err)
			}
			log := filepath.Join(t.TempDir(), "caddy.log")
			writer, err := json.Marshal(map[string]any{"output": "file", "filename": log, "roll": false})
			if err != nil {
				t.Fatal(err)
			}
			if err := validateConfig(t, config, string(writer)); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if warns := strings.Contains(string(text), "no sink is named"); warns != test.warns {
				t.Errorf("logged %q, want a warning: %t", text, test.warns)
			}
		})
	}
}
