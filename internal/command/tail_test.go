// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func TestTail(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	s.Get(pixeltest.Track("before"))
	lines, _ := pixeltest.StartCommand(t, command.NewTail(), "--address", strings.TrimPrefix(s.Admin, "http://"), "--source", pixeltest.Source(t))
	want := func(parts ...string) {
		t.Helper()
		line := pixeltest.Receive(t, lines)
		for _, part := range parts {
			if !strings.Contains(line, part) {
				t.Errorf("got %q, want %q in it", line, part)
			}
		}
		if strings.ContainsAny(line, "\x1b\r") {
			t.Errorf("the line %q controls a terminal", line)
		}
	}
	want("accepted", "track", pixeltest.Source(t), "before", "id of before")
	s.Get(pixeltest.Track("now"))
	want("now")
	s.Get("/v1/pixel/track?writeKey=k&userId=u")
	want("rejected", "no_event", "event is missing")
	s.Get(pixeltest.Track("red \x1b[31m\n"))
	want(`red \x1b[31m\n`)

	// It goes on after a reload, with what has come meanwhile.
	s.MoveSite()
	s.RunInPlace("segment_pixel {\nrecent 50\n}", pixeltest.Silent(t))
	s.Get(pixeltest.Track("after"))
	want("after")
}

func TestTailJSON(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	s.Get(pixeltest.Track("before"))
	lines, _ := pixeltest.StartCommand(t, command.NewTail(), "--address", strings.TrimPrefix(s.Admin, "http://"), "--json", "--redact", "--new", "--source", pixeltest.Source(t))
	pixeltest.Eventually(t, "a record is printed", func() bool {
		// What comes before the command has asked is not new.
		s.Get(pixeltest.Track("now"))
		return len(lines) > 0
	})
	got := pixeltest.Parse(t, []byte(pixeltest.Receive(t, lines)))
	if body, _ := got["body"].(map[string]any); got["outcome"] != "accepted" || body["userId"] != "(hidden)" || body["event"] != "(hidden)" {
		t.Errorf("got %v", got)
	}
}

func TestTailOfNobody(t *testing.T) {
	_, done := pixeltest.StartCommand(t, command.NewTail(), "--address", "127.0.0.1:"+strconv.Itoa(pixeltest.FreePort(t)))
	if err := pixeltest.Receive(t, done); err == nil || !strings.Contains(err.Error(), "is Caddy running") {
		t.Errorf("got %v", err)
	}
	_, done = pixeltest.StartCommand(t, command.NewTail(), "--color", "red")
	if err := pixeltest.Receive(t, done); err == nil || !strings.Contains(err.Error(), "write auto, always or never") {
		t.Errorf("got %v", err)
	}
}

// TestLiveCommand asks the local proxy what a browser would, and what others might.
func TestLiveCommand(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	lines, _ := pixeltest.StartCommand(t, command.NewLive(), "--address", strings.TrimPrefix(s.Admin, "http://"), "--listen", "127.0.0.1:0")
	_, address, found := strings.Cut(pixeltest.Receive(t, lines), " is at ")
	base, err := url.Parse(address)
	if err != nil || !found {
		t.Fatal(address, err)
	}
	own := "http://" + base.Host
	for _, test := range []struct {
		method, path, host, origin, site string
		code                             int
	}{
		{"GET", "/segment_pixel/", "", "", "", 200},
		{"GET", "/", "", "", "", 200}, // by way of a redirect
		{"GET", "/segment_pixel/status", "", "", "same-origin", 200},
		{"GET", "/segment_pixel/status", "localhost:" + base.Port(), "", "", 200},
		{"GET", "/segment_pixel/status", "localhost:3000", "", "", 200}, // through a tunnel
		{"GET", "/segment_pixel/status", "[::1]:3000", "", "", 200},
		{"GET", "/segment_pixel/status", "192.0.2.1:3000", "", "", 403},
		{"GET", "/segment_pixel/status", "localhost.example.com", "", "", 403},
		{"POST", "/segment_pixel/explain", "", own, "same-origin", 200},
		{"POST", "/segment_pixel/explain", "", "", "", 403},
		{"POST", "/segment_pixel/explain", "", "https://example.com", "", 403},
		{"GET", "/segment_pixel/status", "", "https://example.com", "", 403},
		{"GET", "/segment_pixel/status", "", "", "cross-site", 403},
		{"GET", "/segment_pixel/status", "", "", "same-site", 403},
		{"GET", "/segment_pixel/status", "example.com:" + base.Port(), "", "", 403},
		{"GET", "/config/", "", "", "", 404},
		{"GET", "/segment_pixel/../config/", "", "", "", 404},
		{"GET", "/segment_pixel/%2e%2e/config/", "", "", "", 404},
		{"POST", "/load", "", own, "", 404},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, own+test.path, strings.NewReader("writeKey=k"))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = test.host
		request.Header.Set("Sec-Fetch-Mode", "navigate") // which Caddy would refuse
		request.Header.Set("Sec-Fetch-Site", cmp.Or(test.site, "none"))
		if test.origin != "" {
			request.Header.Set("Origin", test.origin)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != test.code {
			t.Errorf("%s %s, host %q, origin %q: %s %s, want %d", test.method, test.path, test.host, test.origin, response.Status, text, test.code)
		}
		if response.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s %s lets other sites read the answer", test.method, test.path)
		}
	}
}

// TestLiveCommandSaysWhereItComesFrom has an endpoint that insists on an origin, as
// Caddy's does with enforce_origin.
func TestLiveCommandSaysWhereItComesFrom(t *testing.T) {
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "http://"+r.Host {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer admin.Close()
	lines, _ := pixeltest.StartCommand(t, command.NewLive(), "--address", admin.Listener.Addr().String(), "--listen", "127.0.0.1:0")
	_, address, _ := strings.Cut(pixeltest.Receive(t, lines), " is at ")
	response, err := http.Get(strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the page is answered with %s", response.Status)
	}
}

// TestLiveCommandStaysHere refuses to show payloads to other machines.
func TestLiveCommandStaysHere(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	_, done := pixeltest.StartCommand(t, command.NewLive(), "--address", strings.TrimPrefix(s.Admin, "http://"), "--listen", ":0")
	if err := pixeltest.Receive(t, done); err == nil || !strings.Contains(err.Error(), "an address of this machine alone") {
		t.Errorf("got %v", err)
	}
}

// TestLiveCommandWithToken asks as somebody who has the token, and as others.
func TestLiveCommandWithToken(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	lines, _ := pixeltest.StartCommand(t, command.NewLive(), "--address", strings.TrimPrefix(s.Admin, "http://"), "--listen", "0.0.0.0:0", "--allow-remote")
	_, address, _ := strings.Cut(pixeltest.Receive(t, lines), " is at ")
	page, _, found := strings.Cut(address, "?token=")
	if !found {
		t.Fatalf("there is no token in %s", address)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(client *http.Client, url string) int {
		t.Helper()
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	stranger, person := new(http.Client), &http.Client{Jar: jar}
	for _, url := range []string{page, page + "status", page + "?token=", page + "?token=x"} {
		if code := ask(stranger, url); code != http.StatusForbidden {
			t.Errorf("a stranger gets %d for %s", code, url)
		}
	}
	for _, url := range []string{address, page, page + "status"} {
		if code := ask(person, url); code != http.StatusOK {
			t.Errorf("who has the token gets %d for %s", code, url)
		}
	}
}

// TestLiveCommandAtSocket wants a token, since the socket's mode keeps others out. The mode
// may stand behind the path, as in Caddy's configuration.
func TestLiveCommandAtSocket(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	socket := filepath.Join(s.Dir, "admin.sock")
	s.Run("", pixeltest.Silent(t))
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Origin"] != nil {
			t.Error("an endpoint at a socket allows no origin")
		}
		_, _ = io.WriteString(w, r.URL.Path)
	}))
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	upstream.Listener = listener
	upstream.Start()
	defer upstream.Close()
	lines, _ := pixeltest.StartCommand(t, command.NewLive(), "--address", "unix/"+socket+"|0220", "--listen", "127.0.0.1:0")
	if line := pixeltest.Receive(t, lines); !strings.Contains(line, "?token=") {
		t.Errorf("got %s", line)
	}
}

// TestTailSumsUp ends a tail, which then says what was mended and whose pixels those were.
func TestTailSumsUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked > 1 {
			cancel()
			return
		}
		for _, record := range []string{
			`{"outcome":"accepted","source":"newsletter","repairs":["charset"]}`, `{"outcome":"accepted","source":"newsletter"}`,
			`{"outcome":"accepted","source":"web"}`, `{"outcome":"rejected","reason":"no_event"}`,
		} {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", record)
		}
	}))
	defer admin.Close()
	e := pixeltest.ExecuteContext(ctx, t, command.NewTail(), "--address", strings.TrimPrefix(admin.URL, "http://"))
	e.Want(0, "50 % of newsletter's events needed charset (1 of 2). ")
	if strings.Contains(e.Out, "of web's") {
		t.Errorf("got %s", e.Out)
	}
}
