// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// describeMachine tells on what was measured, and which versions.
func describeMachine(ctx context.Context, b *bench) (string, error) {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		return "", err
	}
	parts := []string{
		fmt.Sprintf("%d CPUs (%s)", runtime.NumCPU(), processor()),
		"Linux " + unix.ByteSliceToString(system.Release[:]),
		"disk: " + fileSystem(b.Dir),
		"Go " + strings.TrimPrefix(runtime.Version(), "go"),
	}
	for _, dependency := range []struct{ name, binary, module string }{
		{"Caddy", b.Binaries.Caddy, "github.com/caddyserver/caddy/v2"},
		{"nats-server", b.Binaries.NATSServer, "github.com/nats-io/nats-server/v2"},
	} {
		version, err := rig.Version(dependency.binary, dependency.module)
		if err != nil {
			return "", err
		}
		parts = append(parts, dependency.name+" "+version)
	}
	if binary, err := findNginx(); err == nil {
		parts = append(parts, firstLine(ctx, binary, "-v"))
	}
	return strings.Join(append(parts, firstLine(ctx, "h2load", "--version")), ", "), nil
}

// firstLine is what a program says of its version.
func firstLine(ctx context.Context, binary, flag string) string {
	//nolint:gosec // both are fixed
	output, err := exec.CommandContext(ctx, binary, flag).CombinedOutput()
	if err != nil {
		return err.Error()
	}
	line, _, _ := bytes.Cut(output, []byte("\n"))
	return strings.TrimPrefix(string(line), "nginx version: ")
}

// processor is the model of the CPUs.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err.Error()
	}
	_, rest, found := bytes.Cut(text, []byte("model name"))
	if !found {
		return runtime.GOARCH
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strings.Trim(string(line), "\t :")
}

// fileSystem names the kind of disk that a directory is on. One in memory makes a
// spool look cheaper than it is.
func fileSystem(dir string) string {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return err.Error()
	}
	kinds := map[int64]string{
		unix.EXT4_SUPER_MAGIC:      "ext4",
		unix.XFS_SUPER_MAGIC:       "xfs",
		unix.BTRFS_SUPER_MAGIC:     "btrfs",
		unix.OVERLAYFS_SUPER_MAGIC: "overlayfs",
		unix.TMPFS_MAGIC:           "tmpfs, which is memory and no disk (-dir names another place)",
	}
	if kind := kinds[int64(stat.Type)]; kind != "" { //nolint:unconvert // its type differs between architectures
		return kind
	}
	return fmt.Sprintf("file system %#x", stat.Type)
}
