// SPDX-License-Identifier: Apache-2.0

package suppress_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func configured(t *testing.T, options string) string {
	t.Helper()
	return pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key k\n"+options+"\n}")
}

func TestSuppress(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	kv, err := b.Js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "withdrawn"})
	if err != nil {
		t.Fatal(err)
	}
	file := configured(t, "suppress withdrawn {\nserver "+b.Server.ClientURL()+"\n}")
	run := func(args ...string) pixeltest.Executed {
		return pixeltest.Execute(t, suppress.New(), append(args, "--config", file)...)
	}
	run("check", "user", "jane").Want(caddy.ExitCodeSuccess, "is not on the list")
	run("add", "user", "jane", "joe").Want(caddy.ExitCodeSuccess, "2 added, 0 were there already")
	run("add", "user", "jane", "--json").Want(caddy.ExitCodeSuccess, `{"known":1}`)
	run("check", "user", "jane").Want(cli.ExitRejected, "is suppressed since 20")
	run("remove", "user", "jane", "jim").Want(caddy.ExitCodeSuccess, "1 removed, 1 were not there")
	run("check", "user", "jane", "--json").Want(caddy.ExitCodeSuccess, `"suppressed":false`)
	run("add", "email", " Jane@X.de ").Want(caddy.ExitCodeSuccess, "1 added")
	if _, err := kv.Get(t.Context(), "email."+digest("jane@x.de")); err != nil {
		t.Error(err)
	}
	run("list").Want(caddy.ExitCodeSuccess, "user."+digest("joe")+"\t20", "email."+digest("jane@x.de"))
	if listed := run("list", "--json"); strings.Count(listed.Out, "\n") != 2 || strings.Contains(listed.Out, "joe") {
		t.Errorf("listed %s", listed.Out)
	}

	// What cannot be meant is an error.
	run("add", "email", "jane").Want(caddy.ExitCodeFailedStartup, "value 1 is no email")
	run("add", "user", " ").Want(caddy.ExitCodeFailedStartup, "value 1 is no user")
	run("add", "group", "g").Want(caddy.ExitCodeFailedStartup, "user, anon, email")
	run("add", "user").Want(caddy.ExitCodeFailedStartup, "arg")
	run("list", "--bucket", "other").Want(caddy.ExitCodeFailedStartup, "no handler of the configuration has suppress other")
	file = configured(t, "")
	run("list").Want(caddy.ExitCodeFailedStartup, "has the option suppress")
	file = configured(t, "suppress missing {\nserver "+b.Server.ClientURL()+"\n}")
	run("list").Want(caddy.ExitCodeFailedStartup, "nats kv add missing")
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestImport(t *testing.T) {
	b := pixeltest.StartNATS(t, -1)
	kv, err := b.Js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "withdrawn"})
	if err != nil {
		t.Fatal(err)
	}
	file := configured(t, "suppress withdrawn {\nserver "+b.Server.ClientURL()+"\n}")
	dir := t.TempDir()
	run := func(name, text string, args ...string) pixeltest.Executed {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return pixeltest.Execute(t, suppress.New(), append([]string{"import", args[0], name, "--config", file}, args[1:]...)...)
	}
	var lines strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&lines, "user %d\r\n\r\n", n)
	}
	run("users", lines.String(), "user").Want(caddy.ExitCodeSuccess, "1000 added, 0 were there already")
	run("users", lines.String(), "user").Want(caddy.ExitCodeSuccess, "0 added, 1000 were there already")
	run("mails.csv", "\ufeffid,mail\n1,\"a@x.de\"\n2,nobody\n3,\n4,b@x.de\n", "email", "--column", "mail").
		Want(cli.ExitRejected, "2 added", "1 lines left out that hold no email: 3")
	run("mails.csv", "id\n1\n", "email", "--column", "mail").Want(caddy.ExitCodeFailedStartup, "no column mail")
	for _, key := range []string{"user." + digest("user 999"), "email." + digest("a@x.de"), "email." + digest("b@x.de")} {
		if _, err := kv.Get(t.Context(), key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestSuppressOfWhatIsMissing takes no other bucket in place of the one that is not there.
func TestSuppressOfWhatIsMissing(t *testing.T) {
	config := pixeltest.WriteCaddyfile(t, "segment_pixel {\nwrite_key k\nsuppress withdrawn {\ntoken {env.PIXEL_TEST_UNSET}\n}\n}")
	got := pixeltest.Execute(t, suppress.New(), "check", "user", "u1", "--config", config)
	if got.Err == nil || !strings.Contains(got.Err.Error(), "suppress cannot be had here") {
		t.Errorf("it ends with %v", got.Err)
	}
}
