// SPDX-License-Identifier: Apache-2.0

package examine

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

const (
	spoolCheck = "spool"
	diskCheck  = "spool disk"

	// leastFree is about what a spool writes before its first file is full.
	leastFree = 64 << 20
)

// spool looks at the directory in which events wait, and writes nothing into it.
func (e *examination) spool(configured *Spool) {
	if configured.Off {
		e.OK(spoolCheck, "it is off: an event is lost if no stream acknowledges it in time")
		return
	}
	if configured.Err != nil {
		e.Problem(spoolCheck, "correct the directory in the spool option", "%v", configured.Err)
		return
	}
	options := configured.Options
	existing, ok := e.spoolDirectory(options.Dir)
	if !ok {
		return
	}
	if existing == options.Dir {
		e.waiting(options.Dir)
		e.leftovers(options.Dir)
	}
	e.disk(existing, options.Dir, options.MaxSize)
}

// spoolDirectory returns the directory or, as it is created when Caddy runs, the one
// that it comes to be in.
func (e *examination) spoolDirectory(dir string) (existing string, ok bool) {
	for existing = dir; ; existing = filepath.Dir(existing) {
		info, err := os.Stat(existing)
		switch {
		case err == nil && !info.IsDir():
			e.Problem(spoolCheck, "move it away, or name another directory with spool <dir>", "%s is not a directory", existing)
			return "", false
		case err == nil:
		case errors.Is(err, fs.ErrNotExist) && existing != filepath.Dir(existing):
			continue
		default:
			e.Problem(spoolCheck, directoryRemedy(err), "%v", err)
			return "", false
		}
		if err := mayWrite(existing); err != nil {
			e.Problem(spoolCheck, directoryRemedy(err), "user %s cannot write to %s: %v", userName(), existing, err)
			return "", false
		}
		if existing != dir {
			e.OK(spoolCheck, "%s is created when Caddy runs", dir)
		}
		return existing, true
	}
}

// directoryRemedy says what to do about a directory that cannot be used.
func directoryRemedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "run this as the user of the service; if you do, give that user the directory"
	case errors.Is(err, syscall.EROFS):
		return "mount it for writing again, once the log of the system has said why it is read-only; or name another directory with spool <dir>"
	case delivery.IsDiskTrouble(err):
		return "check the free space and the health of the disk, or name another directory with spool <dir>"
	}
	return "check the directory and its files, or name another one with spool <dir>"
}

func userName() string {
	if current, err := user.Current(); err == nil {
		return current.Username
	}
	return "(unknown)"
}

// waiting says what is in the spool. One that somebody has open is left alone.
func (e *examination) waiting(dir string) {
	events, err := spool.Waiting(dir)
	switch {
	case errors.Is(err, spool.ErrHeld):
		e.OK(spoolCheck, "a Caddy that runs has %s open", dir)
	case err != nil:
		e.Problem(spoolCheck, directoryRemedy(err), "%s cannot be looked into: %v", dir, err)
	case events > 0:
		e.Warning(spoolCheck, "start Caddy: they are delivered when a stream takes them",
			"about %d events wait in %s, and no Caddy has it open", events, dir)
	default:
		e.OK(spoolCheck, "%s is empty, and no Caddy has it open", dir)
	}
}

// leftovers are what in the spool somebody has to look at.
func (e *examination) leftovers(dir string) {
	if spool.IsOpenToOthers(dir) {
		e.Warning(spoolCheck, "chmod go-w "+dir, "other users may write to %s, in which they could read and forge events", dir)
	}
	aside := filepath.Join(dir, forward.AsideFile)
	if info, err := os.Stat(aside); err == nil && info.Size() > 0 {
		e.Warning(spoolCheck, "see the cause in each of its lines, mend it, move the file away, and publish what it holds "+
			"with caddy segment-pixel replay --undeliverable <file>",
			"%s holds %s of events that no stream could store", aside, size(info.Size()))
	}
	damaged := filepath.Join(dir, spool.DamagedFolder)
	if entries, err := os.ReadDir(damaged); err == nil && len(entries) > 0 {
		e.Warning(spoolCheck, "check the disk; see in the log how many events were lost; move the files away when they are of no more use",
			"%s holds copies of damaged files (%d): what could be read of them was delivered", damaged, len(entries))
	}
}

// disk compares what is free with what the spool may grow by.
func (e *examination) disk(existing, dir string, maxSize int64) {
	free, known := freeOnDisk(existing)
	if !known {
		e.Skipped(diskCheck, "", "how much of the disk is free is not known")
		return
	}
	used := int64(0)
	if existing == dir {
		used = bytesIn(dir)
	}
	growth := max(maxSize-used, 0)
	const makeRoom = "free some of the disk, or give the spool one with room (spool <dir>)"
	switch {
	case free < delivery.MinSize:
		e.Problem(diskCheck, makeRoom, "%s are free on the disk of %s: new events will find no place", size(free), dir)
	case free < min(growth, leastFree):
		e.Problem(diskCheck, makeRoom, "%s are free on the disk of %s, and the spool may take %s more: new events will soon find no place",
			size(free), dir, size(growth))
	case free < growth:
		e.Warning(diskCheck, "free some of the disk, or lower max_size of the spool to what it may have",
			"%s are free on the disk of %s, and the spool may take %s more", size(free), dir, size(growth))
	default:
		e.OK(diskCheck, "%s are free, the spool may take %s and takes %s", size(free), size(maxSize), size(used))
	}
}

// freeOnDisk is replaced in tests.
var freeOnDisk = diskFree

// bytesIn is the size of the segments in a directory, which is what max_size bounds.
func bytesIn(dir string) int64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && strings.HasSuffix(entry.Name(), ".wal") {
			total += info.Size()
		}
	}
	return total
}

// Forgotten looks for spools in the default place that hold events and are none
// of the directories that are used.
func Forgotten(used []string) []report.Check {
	var list report.CheckList
	for dir, events := range delivery.Forgotten(func(dir string) bool { return slices.Contains(used, dir) }) {
		list.Warning("forgotten spool", delivery.ForgottenRemedy, "about %d events wait in %s, which no sink uses", events, dir)
	}
	return list
}
