// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Packages of the binaries. Both are built from the versions in go.mod, so go has
// to be run within this module.
const (
	caddyPackage = "github.com/segmentpixel/caddy-segment-pixel/examples/bench/caddy"
	natsPackage  = "github.com/nats-io/nats-server/v2"
)

// Binaries are the programs that were built.
type Binaries struct {
	Caddy      string // with the standard modules and segment_pixel
	NATSServer string
}

// Build builds the programs into the folder "bin" of a directory. It needs the go
// command and has to be called within this module.
func Build(ctx context.Context, dir string) (Binaries, error) {
	dir = filepath.Join(dir, "bin")
	b := Binaries{Caddy: filepath.Join(dir, "caddy"), NATSServer: filepath.Join(dir, "nats-server")}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return b, err
	}
	if err := build(ctx, caddyPackage, b.Caddy); err != nil {
		return b, err
	}
	return b, build(ctx, natsPackage, b.NATSServer)
}

func build(ctx context.Context, pkg, binary string) error {
	//nolint:gosec // the package is one of ours, and the path is where the caller wants it
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w; run this within the module of caddy-segment-pixel\n%s", pkg, err, output)
	}
	return nil
}

// Version returns which version of a module a binary was built from, as in
// Version(binaries.Caddy, "github.com/caddyserver/caddy/v2").
func Version(binary, module string) (string, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", err
	}
	for m := range slices.Values(append(info.Deps, &info.Main)) {
		if m.Path == module {
			return m.Version, nil
		}
	}
	return "", fmt.Errorf("%s was built without %s", binary, module)
}
