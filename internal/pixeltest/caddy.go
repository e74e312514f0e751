// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// AsCaddy makes the test binary behave as a Caddy with this module, whose arguments
// stand behind it.
const AsCaddy = "SEGMENT_PIXEL_TEST_AS_CADDY"

// RunCaddy runs a Caddy with this module as a process of its own.
func RunCaddy(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), AsCaddy+"=1", "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	cmd.Stdin = strings.NewReader(stdin)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), messages.String(), cmd.ProcessState.ExitCode()
}

// BeCaddy is to be called by the init function of tests that use runCaddy: there, all
// modules have been registered.
func BeCaddy() {
	if os.Getenv(AsCaddy) != "" {
		caddycmd.Main()
		os.Exit(0)
	}
}
