// SPDX-License-Identifier: Apache-2.0

package examine

import (
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/conntest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// TestDoctorComparesTheDiskWithTheSpool looks at a disk with little room.
func TestDoctorComparesTheDiskWithTheSpool(t *testing.T) {
	defer func() { freeOnDisk = diskFree }()
	dir := t.TempDir()
	natstest.WriteFile(t, filepath.Join(dir, "00000000-0000000000000000-0123456789abcdef.wal"), strings.Repeat("x", 1<<20))
	natstest.WriteFile(t, filepath.Join(dir, "undeliverable.ndjson"), strings.Repeat("x", 1<<20))
	for _, test := range []struct {
		free, maxSize int64
		mark          report.Mark
		words         string
	}{
		{21 << 20, 2 << 20, report.OK, "21 MiB are free, the spool may take 2.0 MiB and takes 1.0 MiB"},
		{21 << 20, 22 << 20, report.OK, "21 MiB are free"},
		{21 << 20, 23 << 20, report.Problem, "and the spool may take 22 MiB more: new events will soon find no place"},
		{21 << 20, 10 << 30, report.Problem, "give the spool one with room (spool <dir>)"},
		{64 << 20, 10 << 30, report.Warning, "lower max_size of the spool to what it may have"},
		{2 << 20, 1 << 20, report.OK, "2.0 MiB are free"},
		{1<<20 - 1, 1 << 20, report.Problem, "new events will find no place"},
		{0, 10 << 30, report.Problem, "0 B are free on the disk of " + dir + ": new events will find no place"},
	} {
		freeOnDisk = func(string) (int64, bool) { return test.free, true }
		e := examination{}
		e.disk(dir, dir, test.maxSize)
		conntest.Examined{T: t, Checks: e.CheckList}.Want(test.mark, diskCheck, test.words)
	}
}

func TestDoctorTellsWhatADirectoryNeeds(t *testing.T) {
	for _, test := range []struct {
		err   error
		words string
	}{
		{syscall.EROFS, "mount it for writing again"},
		{syscall.EACCES, "the user of the service"},
		{syscall.EPERM, "the user of the service"},
		{syscall.ENOSPC, "the health of the disk"},
		{io.ErrUnexpectedEOF, "check the directory and its files"},
	} {
		if got := directoryRemedy(&fs.PathError{Op: "open", Path: "lock", Err: test.err}); !strings.Contains(got, test.words) {
			t.Errorf("%v: %s", test.err, got)
		}
	}
}
