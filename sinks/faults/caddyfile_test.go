// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"path/filepath"
	"strings"
)

const writeKey = "faultsKey"

// caddyfile is what a row chooses of the configuration.
type caddyfile struct {
	way        way
	servers    []string // of NATS
	ackTimeout string
	spool      spoolOptions
	greeting   string // what the rest of the site answers
	site       string // more for the site
	others     string // more sites
}

// spoolOptions are the sink's options of the spool.
type spoolOptions struct {
	off     bool
	maxSize string
	sync    string
}

// text is the Caddyfile.
func (f caddyfile) text(c *caddyServer) string {
	return fmt.Sprintf(`{
	admin %s
	persist_config off
	storage file_system %s
	auto_https off
	skip_install_trust
	log default {
		output stderr
		format json
		level INFO
	}
}

http://%s {
	%s
	%s
	respond %q
}
%s
`, c.admin, filepath.Join(c.dir, "storage"), c.address, f.jetstream(c), f.site, f.greeting, f.others)
}

// jetstream is the handler with its sink.
func (f caddyfile) jetstream(c *caddyServer) string {
	return fmt.Sprintf(`segment_pixel {
		write_key %s web
		sink jetstream %s {
			stream %s
			subject %s
			ack_timeout %s
			%s
		}
	}`, writeKey, strings.Join(f.servers, " "), f.way.streamName(), f.way.subject(), f.ackTimeout, f.spool.text(spoolFolder(c)))
}

// spoolDisk is where a row may put a file system that only the spool is on.
func spoolDisk(c *caddyServer) string {
	return filepath.Join(c.dir, "disk")
}

func spoolFolder(c *caddyServer) string {
	return filepath.Join(spoolDisk(c), "spool")
}

func (o spoolOptions) text(folder string) string {
	if o.off {
		return "spool off"
	}
	return fmt.Sprintf("spool %s {\nmax_size %s\nsync %s\n}\ndrain_timeout 10s", folder, o.maxSize, o.sync)
}
