// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// caddyServer is a Caddy that can end and start again: addresses, configuration
// and spool stay the same.
type caddyServer struct {
	dir     string
	address string
	admin   string
	config  caddyfile
	log     *journal
	child   *child
}

func newCaddy(dir string, config caddyfile) (*caddyServer, error) {
	c := &caddyServer{dir: dir, config: config, log: new(journal)}
	return c, os.MkdirAll(dir, 0o700)
}

// begin starts Caddy for the first time. A port that somebody else has taken in
// the meantime is exchanged.
func (c *caddyServer) begin() error {
	var err error
	for range 3 {
		var addresses []string
		if addresses, err = freeAddresses(2); err != nil {
			return err
		}
		c.address, c.admin = addresses[0], addresses[1]
		if err = c.start(); err == nil || c.log.count("address already in use") == 0 {
			return err
		}
	}
	return err
}

// start runs Caddy and waits until it answers.
func (c *caddyServer) start() error {
	file := filepath.Join(c.dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(c.config.text(c)), 0o600); err != nil {
		return err
	}
	var err error
	if c.child, err = startChild(roleCaddy, c.log, c.dir, "run", "--config", file, "--adapter", "caddyfile"); err != nil {
		return err
	}
	var ended bool
	err = await("Caddy answers", func() (bool, error) {
		ended = c.child.hasEnded()
		return ended || c.says() == c.config.greeting, nil
	})
	if ended {
		return fmt.Errorf("caddy has ended: %w:\n%s", c.child.err, c.log.tail(5))
	}
	return err
}

// client opens a connection for every request: those of a Caddy that was killed
// are of no use.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}

// says returns what the rest of the site answers.
func (c *caddyServer) says() string {
	response, err := client.Get("http://" + c.address + "/")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

// load hands a configuration to the admin API, and returns its complaint.
func (c *caddyServer) load(config caddyfile) error {
	response, err := client.Post("http://"+c.admin+"/load", "text/caddyfile", strings.NewReader(config.text(c)))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(body))
	}
	c.config = config
	return nil
}

func (c *caddyServer) kill() error {
	return c.child.kill()
}

func (c *caddyServer) terminate() error {
	if err := c.child.terminate(); err != nil {
		return fmt.Errorf("caddy: %w", err)
	}
	return nil
}

// end is for the end of a test, whatever state Caddy is in.
func (c *caddyServer) end() {
	if c.child != nil {
		_ = c.child.signal(syscall.SIGKILL)
		<-c.child.ended
	}
}
