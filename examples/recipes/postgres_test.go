// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// database is a PostgreSQL of the test's own, on a socket in its folder.
type database struct {
	t    *testing.T
	dir  string
	bin  string
	cred *syscall.Credential // it does not run as root
}

func startPostgres(t *testing.T) *database {
	t.Helper()
	// A socket's path must be short, and another user get into the folder.
	dir, err := os.MkdirTemp("/tmp", "pg")
	if err != nil {
		t.Fatal(err)
	}
	d := &database{t: t, dir: dir, bin: postgresBin(t)}
	t.Cleanup(func() {
		d.stop()
		_ = os.RemoveAll(dir)
	})
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		d.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	d.run("initdb", "-D", filepath.Join(dir, "data"), "-U", "pixel", "-A", "trust", "--no-sync")
	d.start()
	return d
}

// postgresBin is where Debian keeps what is not for everybody.
func postgresBin(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(resolved)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		t.Fatal("there is no PostgreSQL: install Debian's package postgresql")
	}
	return filepath.Dir(found[len(found)-1])
}

func (d *database) run(command string, args ...string) {
	d.t.Helper()
	cmd := exec.Command(filepath.Join(d.bin, command), args...)
	cmd.Dir = d.dir
	if d.cred != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.cred}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func (d *database) start() {
	d.t.Helper()
	d.run("pg_ctl", "-D", filepath.Join(d.dir, "data"), "-w", "-l", filepath.Join(d.dir, "log"),
		"-o", "-c listen_addresses='' -c unix_socket_directories='"+d.dir+"'", "start")
}

// stop ends it as a crash does.
func (d *database) stop() {
	cmd := exec.Command(filepath.Join(d.bin, "pg_ctl"), "-D", filepath.Join(d.dir, "data"), "-m", "immediate", "-w", "stop")
	if d.cred != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.cred}
	}
	_ = cmd.Run()
}

func (d *database) url() string { return "host=" + d.dir + " user=pixel dbname=postgres" }

// ask returns what psql prints, without its frame.
func (d *database) ask(query string) (string, error) {
	out, err := exec.Command("psql", "-At", "-d", d.url(), "-c", query).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// buildPostgres builds the example, which is a module of its own.
func buildPostgres(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "postgres")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join("..", "postgres")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestPostgres kills the consumer and the database again and again while pixels come, and
// counts: none lost, none doubled.
func TestPostgres(t *testing.T) {
	program := buildPostgres(t)
	d := startPostgres(t)
	b := pixeltest.StartNATS(t, -1)
	b.CreateStream()
	s := pixeltest.NewSite(t)
	s.Run("segment_pixel {\nwrite_key k newsletter\nsink jetstream " + b.Server.ClientURL() + "\n}")

	start := func() *exec.Cmd {
		cmd := exec.Command(program, "-nats", b.Server.ClientURL(), "-database", d.url())
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	kill := func(cmd *exec.Cmd) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	sent := 0
	send := func(n int) {
		for range n {
			s.Get(fmt.Sprintf("/v1/pixel/track?writeKey=k&userId=u%d&event=Email+Opened", sent), "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
			sent++
		}
	}
	consumer := start()
	defer func() {
		kill(consumer)
		if err := b.Js.DeleteConsumer(t.Context(), "SEGMENT", "postgres"); err != nil {
			t.Error(err)
		}
	}()
	rows := func() int {
		text, _ := d.ask("SELECT count(*) FROM pixel_events")
		n, _ := strconv.Atoi(text)
		return n
	}
	more := func() {
		before := rows()
		send(200)
		pixeltest.Eventually(t, "rows come", func() bool { return rows() > before })
	}
	for range 3 {
		more()
		send(200)
		kill(consumer)
		send(200)
		consumer = start()
		more()
		send(200)
		d.stop()
		send(200)
		d.start()
	}
	s.Get(`/v1/pixel/track?data=%7B%22writeKey%22:%22k%22,%22userId%22:%22u%22,%22event%22:%22zero%5Cu0000byte%22%7D`)
	s.Get(`/v1/pixel/track?writeKey=k&userId=machine&event=Email+Opened`, "User-Agent", "curl/8")
	pixeltest.Eventually(t, "every event is a row", func() bool {
		n, err := d.ask("SELECT count(*) FROM pixel_events")
		aside, _ := d.ask("SELECT count(*) FROM pixel_events_aside")
		return err == nil && n == strconv.Itoa(sent+1) && aside == "1"
	})
	for query, want := range map[string]string{
		"SELECT count(DISTINCT user_id) FROM pixel_events WHERE machine = 'no'":                         strconv.Itoa(sent),
		"SELECT opens, people FROM pixel_opens WHERE machine = 'no' AND event = 'Email Opened' LIMIT 1": fmt.Sprintf("%d|%d", sent, sent),
		"SELECT fetched_by, opens FROM pixel_opens WHERE machine = 'yes'":                               "bot|1",
		"SELECT count(*) FROM pixel_events WHERE source = 'newsletter' AND type = 'track'":              strconv.Itoa(sent + 1),
	} {
		if got, err := d.ask(query); err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", query, got, want, err)
		}
	}
}
