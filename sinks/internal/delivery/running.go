// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/forward"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// openAgain is how often a spool is tried whose disk did not let it open.
const openAgain = 2 * time.Second

// OpenSpool is replaced in tests.
var OpenSpool = spool.Open

// runningSpool is a spool that is open, and its forwarder.
type runningSpool struct {
	*spool.Spool
	Forwarder *forward.Forwarder
	cancel    context.CancelFunc
	stopped   chan struct{} // closed when the forwarder has ended
}

// OpenError is why a spool is not open.
type OpenError struct{ Cause error }

func (e *OpenError) Error() string { return "the spool cannot be opened: " + e.Cause.Error() }
func (e *OpenError) Unwrap() error { return e.Cause }

// openFirst opens the spool, now or, if its disk does not allow that, later: the rest
// of the site does not depend on this disk.
func (d *Delivery) openFirst() error {
	err := d.open()
	for tries := 0; errors.Is(err, spool.ErrHeld) && tries < heldTries; tries++ {
		time.Sleep(heldPause)
		err = d.open()
	}
	switch {
	case err == nil:
		return nil
	case IsDiskTrouble(err):
		d.failed(err)
		d.opening.Go(d.openLater)
		return nil
	case errors.Is(err, spool.ErrHeld):
		return fmt.Errorf("spool %s: another process uses it, or another sink by another name: "+
			"stop that process, or write 'spool <dir>' with another directory: %w", d.Directory, err)
	}
	return fmt.Errorf("spool %s: %w", d.Directory, err)
}

const (
	// Somebody who only looks at the spool holds it for a moment.
	heldTries = 5
	heldPause = 100 * time.Millisecond
)

func (d *Delivery) failed(err error) {
	before := d.Trouble.Swap(&OpenError{err})
	if before == nil || before.Cause.Error() != err.Error() {
		Logger().Error("the spool cannot be opened; free or repair the disk: events are published directly until it can",
			zap.String("dir", d.Directory), zap.Error(err))
		d.tellTrouble(troubleNotOpen, err)
	}
}

// open opens the spool and starts its forwarder.
func (d *Delivery) open() error {
	d.Mu.Lock()
	options := d.options
	d.Mu.Unlock()
	opened, err := OpenSpool(options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := &runningSpool{
		Spool:     opened,
		Forwarder: forward.New(opened, d.Directory, Logger, d.TellOfDelivery),
		cancel:    cancel,
		stopped:   make(chan struct{}),
	}
	go func() {
		defer close(running.stopped)
		running.Forwarder.Run(ctx)
	}()
	Logger().Info("the spool is open", zap.String("dir", d.Directory), zap.Uint64("events_waiting", opened.Stats().Events))
	d.Mu.Lock()
	defer d.Mu.Unlock()
	d.Running.Store(running)
	d.choose()
	return nil
}

// openLater opens the spool once its disk allows it.
func (d *Delivery) openLater() {
	again := time.NewTicker(openAgain)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-d.ending:
			return
		}
		err := d.open()
		if err == nil {
			d.tellWell(troubleNotOpen, 0)
			return
		}
		d.failed(err)
	}
}

// IsDiskTrouble tells whether opening may succeed later without a change of the
// configuration.
func IsDiskTrouble(err error) bool {
	code, ok := errors.AsType[syscall.Errno](err)
	return ok && slices.Contains(diskTroubles, code)
}

// take has events go by another route.
func (r *runningSpool) take(chosen *Route) {
	r.Configure(chosen.MaxSize, chosen.Sync)
	r.Forwarder.SetRoute(chosen)
}

func (r *runningSpool) close(directory string) {
	r.cancel()
	<-r.stopped
	waiting := r.Stats().Events
	if err := r.Close(); err != nil {
		Logger().Error("closing the spool", zap.String("dir", directory), zap.Error(err))
	}
	if waiting > 0 {
		Logger().Warn("closed the spool while events wait in it: they are delivered when a sink uses it again",
			zap.String("dir", directory), zap.Uint64("events", waiting))
	}
}
