// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

const (
	spoolCheck = "spool"
	diskCheck  = "spool disk"

	// leastFree is about what a spool writes before its first file is full.
	leastFree = 64 << 20
)

// spool looks at the directory in which events wait, and writes nothing into it.
func (e *natsExamination) spool(s *JetStream) {
	if s.Spool.isOff() {
		e.ok(spoolCheck, "it is off: an event is lost if no stream acknowledges it in time")
		return
	}
	options, err := s.spoolOptions()
	if err != nil {
		e.problem(spoolCheck, "correct the directory in the spool option", "%v", err)
		return
	}
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
func (e *natsExamination) spoolDirectory(dir string) (existing string, ok bool) {
	const asService = "run this as the user of the service; if you do, give that user the directory"
	for existing = dir; ; existing = filepath.Dir(existing) {
		info, err := os.Stat(existing)
		switch {
		case err == nil && !info.IsDir():
			e.problem(spoolCheck, "move it away, or name another directory with spool <dir>", "%s is not a directory", existing)
			return "", false
		case err == nil:
		case errors.Is(err, fs.ErrNotExist) && existing != filepath.Dir(existing):
			continue
		default:
			e.problem(spoolCheck, asService, "%v", err)
			return "", false
		}
		if err := mayWrite(existing); err != nil {
			e.problem(spoolCheck, asService, "user %s may not write to %s: %v", userName(), existing, err)
			return "", false
		}
		if existing != dir {
			e.ok(spoolCheck, "%s is created when Caddy runs", dir)
		}
		return existing, true
	}
}

func userName() string {
	if current, err := user.Current(); err == nil {
		return current.Username
	}
	return "(unknown)"
}

// waiting says what is in the spool. One that somebody has open is left alone.
func (e *natsExamination) waiting(dir string) {
	events, err := spool.Waiting(dir)
	switch {
	case errors.Is(err, spool.ErrHeld):
		e.ok(spoolCheck, "a Caddy that runs has %s open", dir)
	case err != nil:
		e.problem(spoolCheck, "run this as the user of the service", "%s cannot be looked into: %v", dir, err)
	case events > 0:
		e.warning(spoolCheck, "start Caddy: they are delivered when a stream takes them",
			"about %d events wait in %s, and no Caddy has it open", events, dir)
	default:
		e.ok(spoolCheck, "%s is empty, and no Caddy has it open", dir)
	}
}

// leftovers are files in the spool that somebody has to look at.
func (e *natsExamination) leftovers(dir string) {
	aside := filepath.Join(dir, forward.AsideFile)
	if info, err := os.Stat(aside); err == nil && info.Size() > 0 {
		e.warning(spoolCheck, "see the cause in each of its lines, publish what is to be kept, and move the file away",
			"%s holds %s of events that no stream could store", aside, size(info.Size()))
	}
	damaged := filepath.Join(dir, spool.DamagedFolder)
	if entries, err := os.ReadDir(damaged); err == nil && len(entries) > 0 {
		e.warning(spoolCheck, "check the disk, and see whether the files can be mended",
			"%s holds %d damaged files, whose events were not delivered", damaged, len(entries))
	}
}

// disk compares what is free with what the spool may take.
func (e *natsExamination) disk(existing, dir string, maxSize int64) {
	free, known := diskFree(existing)
	if !known {
		e.skipped(diskCheck, "", "how much of the disk is free is not known")
		return
	}
	used := int64(0)
	if existing == dir {
		used = bytesIn(dir)
	}
	const remedy = "free some of the disk, or lower max_size of the spool"
	switch {
	case free < leastFree && used < maxSize:
		e.problem(diskCheck, remedy, "%s are free on the disk of %s: new events will find no place", size(free), dir)
	case free < maxSize-used:
		e.warning(diskCheck, remedy, "%s are free on the disk of %s, and the spool may take %s more", size(free), dir, size(maxSize-used))
	default:
		e.ok(diskCheck, "%s are free, the spool may take %s and takes %s", size(free), size(maxSize), size(used))
	}
}

// bytesIn is the size of the files of a directory, but not of those below it.
func bytesIn(dir string) int64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
	}
	return total
}

// ExamineForgotten looks for spools in the default place that hold events and that
// belong to none of the sinks.
func ExamineForgotten(inUse []Sink) []Check {
	parent := defaultSpoolParent()
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil // There is no spool in the default place, or it is somebody else's.
	}
	var used []string
	for _, sink := range inUse {
		if s, ok := sink.(*JetStream); ok && !s.Spool.isOff() {
			if options, err := s.spoolOptions(); err == nil {
				used = append(used, options.Dir)
			}
		}
	}
	var list checkList
	for _, entry := range entries {
		dir, err := resolveDirectory(filepath.Join(parent, entry.Name()))
		if err != nil || !entry.IsDir() || slices.Contains(used, dir) || !strings.HasPrefix(entry.Name(), "jetstream-") {
			continue
		}
		if events, err := spool.Waiting(dir); err == nil && events > 0 {
			list.warning("forgotten spool",
				"to deliver them, write 'spool <dir>' with this directory into a jetstream sink for the NATS that they belong to",
				"about %d events wait in %s, which no sink uses", events, dir)
		}
	}
	return list
}
