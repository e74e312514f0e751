// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The file systems that a spool can have for itself. Only one that is on a disk can be
// frozen, and only one in memory is filled within moments.
const (
	inMemory = "tmpfs"
	onDisk   = "ext4"
)

const (
	memorySize = "512m"
	diskSize   = 2 << 30
)

// mountDisk puts a file system of its own under a folder until the test ends.
func mountDisk(t *testing.T, kind, folder string) error {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := mount(kind, folder); err != nil {
		return err
	}
	t.Cleanup(func() {
		if kind == onDisk {
			_ = thaw(folder) // or whoever wrote to it never ends
		}
		if err := unix.Unmount(folder, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return nil
}

func mount(kind, folder string) error {
	if kind == inMemory {
		return unix.Mount("tmpfs", folder, "tmpfs", 0, "size="+memorySize)
	}
	image := imageOf(folder)
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(image, diskSize); err != nil {
		return err
	}
	return inOrder(
		func() error { return run("mkfs."+onDisk, "-q", image) },
		func() error { return mountImage(folder) })
}

func imageOf(folder string) string { return folder + ".image" }

func mountImage(folder string) error {
	return run("mount", "-o", "loop", imageOf(folder), folder)
}

// remount is what a machine does when it has power again.
func remount(folder string) error {
	return inOrder(
		func() error { return unix.Unmount(folder, 0) },
		func() error { return mountImage(folder) })
}

func run(name string, args ...string) error {
	if output, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, output)
	}
	return nil
}

// canMount tells whether this user may mount, here.
func canMount(kind string) bool {
	parent, err := os.MkdirTemp("", "faults")
	if err != nil {
		return false
	}
	defer func() { _ = os.RemoveAll(parent) }()
	folder := filepath.Join(parent, "disk")
	if os.Mkdir(folder, 0o700) != nil || mount(kind, folder) != nil {
		return false
	}
	return unix.Unmount(folder, 0) == nil
}

// The calls of fsfreeze(8), which package unix does not have.
const (
	fiFreeze = 0xc0045877
	fiThaw   = 0xc0045878
)

// shutDown has a file system forget what is not on the disk, as a power cut does: it
// takes nothing more, and writes nothing more, the journal included.
func shutDown(folder string) error {
	const ext4Shutdown, noLogFlush = 0x8004587d, 2
	root, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return unix.IoctlSetPointerInt(int(root.Fd()), ext4Shutdown, noLogFlush)
}

// freeze makes whoever writes to a file system wait until it is thawed.
func freeze(folder string) error { return control(folder, fiFreeze) }

func thaw(folder string) error { return control(folder, fiThaw) }

func control(folder string, request uint) error {
	root, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return unix.IoctlSetInt(int(root.Fd()), request, 0)
}

func (s *scene) freezeDisks() error {
	return s.each(func(l *lane) error { return freeze(spoolDisk(l.caddy)) })
}

func (s *scene) thawDisks() error {
	return s.each(func(l *lane) error { return thaw(spoolDisk(l.caddy)) })
}

// ballast is a file beside the spool. It stands for somebody else's data.
func (l *lane) ballast() string {
	return filepath.Join(spoolDisk(l.caddy), "ballast")
}

// fillDisks writes ballast until nothing more fits.
func (s *scene) fillDisks() error {
	return s.each(func(l *lane) error {
		file, err := os.Create(l.ballast())
		if err != nil {
			return err
		}
		defer file.Close()
		for size := 1 << 20; size > 0; {
			if _, err := file.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
				size /= 2
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *scene) freeDisks() error {
	return s.each(func(l *lane) error { return os.Remove(l.ballast()) })
}
