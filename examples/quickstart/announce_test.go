// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"go.uber.org/goleak"
)

func TestAnnounceGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		announce(io.Discard)
		if waited := time.Since(began); waited != announceTimeout {
			t.Errorf("gave up after %s, want %s", waited, announceTimeout)
		}
	})
}

func TestAnnounce(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	done := make(chan struct{})
	var said strings.Builder
	go func() {
		defer close(done)
		announce(&said)
	}()

	address := freeAddress(t)
	log := filepath.Join(t.TempDir(), "log")
	load(t, fmt.Sprintf(`{
		admin off
		persist_config off
		storage file_system %s
		storage_check off
		storage_clean_interval off
		log {
			output file %s {
				roll_disabled
			}
			format json
		}
		segment_pixel_nats {
			listen    127.0.0.1:0
			store_dir %s
		}
	}
	http://%s {
		handle_path /px/* {
			segment_pixel {
				write_key   quickstart-key web
				path_prefix /e
			}
		}
	}`, t.TempDir(), log, t.TempDir(), address))
	<-done

	found := regexp.MustCompile(`^\n  Try a pixel:       curl -so /dev/null '(\S+)'\n  Watch its events:  (.*)\n\n$`).FindStringSubmatch(said.String())
	if found == nil {
		t.Fatalf("it says\n%s", said.String())
	}
	url := found[1]
	if !strings.HasPrefix(url, "http://"+address+"/px/e/track?data=") {
		t.Errorf("the URL to try is %s", url)
	}
	if !strings.HasPrefix(found[2], "go run ./examples/consumer -server nats://127.0.0.1:") {
		t.Errorf("the command to watch events is %s", found[2])
	}

	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), "GIF89a") {
		t.Errorf("the URL answers %s with %q", response.Status, body)
	}
	// Without a sink in the configuration, events are in the log.
	if all, err := os.ReadFile(log); err != nil || !strings.Contains(string(all), "Pixel Tried") {
		t.Errorf("the event of the URL is not in the log, %v:\n%s", err, all)
	}

	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, leaks)
}

// load runs a Caddyfile until the end of the test.
func load(t *testing.T, caddyfile string) {
	t.Helper()
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })
	if err := caddy.Load(cfg, true); err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns a loopback address with a port that is free.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
