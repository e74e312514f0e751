// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"
)

// Executed is what a command has left behind.
type Executed struct {
	t    *testing.T
	Out  string
	code int
	Err  error
}

// Execute runs a command as Caddy's main function does.
func Execute(t *testing.T, cmd *cobra.Command, args ...string) Executed {
	t.Helper()
	return ExecuteContext(t.Context(), t, cmd, args...)
}

// ExecuteContext does the same until the context ends.
func ExecuteContext(ctx context.Context, t *testing.T, cmd *cobra.Command, args ...string) Executed {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceUsage = true
	err := cmd.ExecuteContext(ctx)
	return Executed{t, out.String(), ExitCode(err), err}
}

// ExitCode finds the code in an error of Caddy's, whose type it keeps to itself.
func ExitCode(err error) int {
	if err == nil {
		return caddy.ExitCodeSuccess
	}
	if value := reflect.Indirect(reflect.ValueOf(err)); value.Kind() == reflect.Struct {
		if code := value.FieldByName("ExitCode"); code.IsValid() {
			return int(code.Int())
		}
	}
	return caddy.ExitCodeFailedStartup
}

// Want expects an exit status, and words in the output or the error.
func (e Executed) Want(code int, words ...string) {
	e.t.Helper()
	if e.code != code {
		e.t.Errorf("exit code %d, want %d (%v)\n%s", e.code, code, e.Err, e.Out)
	}
	text := e.Out
	if e.Err != nil {
		text += e.Err.Error()
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			e.t.Errorf("without %q:\n%s", word, text)
		}
	}
}

// WriteCaddyfile writes a Caddyfile whose one site has this body, and returns its name.
func WriteCaddyfile(t *testing.T, body string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	text := `{
		admin off
		servers {
			max_header_size 64KiB
		}
	}
	http://127.0.0.1:1 {
	` + body + "\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// FakeAdmin answers as Caddy's admin API, with one text for each path.
func FakeAdmin(t *testing.T, answers map[string]string) (address string) {
	t.Helper()
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := answers[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(admin.Close)
	return admin.Listener.Addr().String()
}

// StartCommand runs a command until the end of the test, and returns the lines of its
// output and what it returned.
func StartCommand(t *testing.T, command *cobra.Command, args ...string) (lines <-chan string, done <-chan error) {
	t.Helper()
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	command.SetArgs(args)
	command.SetOut(write)
	command.SetErr(io.Discard)
	printed, ended := make(chan string, 100), make(chan error, 1)
	go func() {
		scanner := bufio.NewScanner(read)
		for scanner.Scan() {
			printed <- scanner.Text()
		}
	}()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		ended <- command.ExecuteContext(ctx)
		write.Close()
	}()
	t.Cleanup(func() {
		cancel()
		<-finished
	})
	return printed, ended
}
