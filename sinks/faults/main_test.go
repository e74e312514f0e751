// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"fmt"
	"io"
	"os"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/nats-io/nats-server/v2/server"

	_ "github.com/segmentpixel/caddy-segment-pixel" //nolint:depguard // what is tested is the whole of Caddy
)

// roleVariable tells a copy of this binary what to be instead of the tests, so
// that nothing has to be built for them.
const roleVariable = "SEGMENT_PIXEL_FAULTS_ROLE"

const (
	roleCaddy = "caddy"
	roleNATS  = "nats"
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	go endWithParent()
	switch role {
	case roleCaddy:
		caddycmd.Main()
	case roleNATS:
		if err := runNATS(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// endWithParent ends the process with the tests that started it, however they
// end: they hold the other side of its standard input.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

// runNATS is nats-server's main with a configuration file.
func runNATS(config string) error {
	options, err := server.ProcessConfigFile(config)
	if err != nil {
		return err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
	return nil
}
