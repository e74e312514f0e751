// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"
	"errors"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// openAgain is how often a spool is tried whose disk did not let it open.
const openAgain = 2 * time.Second

// openSpool is replaced in tests.
var openSpool = spool.Open

// runningSpool is a spool that is open, and its forwarder.
type runningSpool struct {
	*spool.Spool
	forwarder *forward.Forwarder
	cancel    context.CancelFunc
	stopped   chan struct{} // closed when the forwarder has ended
}

// open opens the spool and starts its forwarder.
func (d *delivery) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	opened, err := openSpool(d.options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := &runningSpool{
		Spool:     opened,
		forwarder: forward.New(opened, d.directory, spoolLogger),
		cancel:    cancel,
		stopped:   make(chan struct{}),
	}
	go func() {
		defer close(running.stopped)
		running.forwarder.Run(ctx)
	}()
	d.running.Store(running)
	d.choose()
	spoolLogger().Info("the spool is open", zap.String("dir", d.directory), zap.Uint64("events_waiting", opened.Stats().Events))
	return nil
}

// openLater opens the spool once its disk allows it.
func (d *delivery) openLater() {
	again := time.NewTicker(openAgain)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-d.ending:
			return
		}
		if d.open() == nil {
			return
		}
	}
}

// isDiskTrouble tells whether the disk may be all right again later.
func isDiskTrouble(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO)
}

func (r *runningSpool) close(directory string) {
	r.cancel()
	<-r.stopped
	waiting := r.Stats().Events
	if err := r.Close(); err != nil {
		spoolLogger().Error("closing the spool", zap.String("dir", directory), zap.Error(err))
	}
	if waiting > 0 {
		spoolLogger().Warn("closed the spool while events wait in it: they are delivered when a sink uses it again",
			zap.String("dir", directory), zap.Uint64("events", waiting))
	}
}
