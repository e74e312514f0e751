// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool/internal/badblock"
)

const (
	// SyncAlways makes Append wait until the disk has the event. It survives a
	// power cut then, and not only the end of the process.
	SyncAlways time.Duration = 0

	// SyncOff leaves it to the operating system when to write to the disk.
	SyncOff time.Duration = -1
)

// Options are how a spool is opened.
type Options struct {
	// Dir is created if need be, for this user only: events hold personal data.
	Dir string

	// MaxSize is how many bytes the segments may take on disk.
	MaxSize int64

	// Sync is SyncAlways, SyncOff, or how long an event may take to the disk.
	Sync time.Duration

	// Logger is asked for every line, because a spool outlives configurations.
	// Without it nothing is logged.
	Logger func() *zap.Logger

	// Changed is told of every change that is logged, and Lost of events that were
	// taken and cannot be read any more. Both may be nil, and must not wait.
	Changed func(Change)
	Lost    func(events uint64)
}

func (o *Options) validate() error {
	switch {
	case o.Dir == "":
		return errors.New("the spool needs a directory")
	case o.MaxSize <= 0:
		return errors.New("the size of the spool must be more than zero")
	case o.Sync < SyncOff:
		return errors.New("the sync interval of the spool cannot be negative")
	}
	return nil
}

const (
	// leastSegmentSize has room for the largest event, with its header fields.
	leastSegmentSize = 128 << 10
	queueSize        = 4 << 20
)

// tuning is what tests make small, and replace.
type tuning struct {
	queueSize          int
	checkpointInterval time.Duration
	stallAfter         time.Duration
	readPatience       time.Duration
	wrapLog            func(segmentLog) segmentLog
	openSegment        func(name string) (badblock.File, error)
	probe              func(dir string) error
	now                func() time.Time
}

func defaultTuning() tuning {
	return tuning{
		queueSize:          queueSize,
		checkpointInterval: 500 * time.Millisecond,
		stallAfter:         stallAfter,
		readPatience:       readPatience,
		wrapLog:            func(log segmentLog) segmentLog { return log },
		openSegment:        badblock.OpenFile,
		probe:              Probe,
		now:                time.Now,
	}
}
