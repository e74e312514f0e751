// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
)

// lists holds the lists of all configurations, so that a reload that changes nothing
// about one keeps it, and handlers that name the same bucket share it.
var lists = caddy.NewUsagePool()

// List is who has withdrawn consent, as a bucket says. It outlives configurations, and
// therefore holds none's logger.
type List struct {
	bucket string
	key    [sha256.Size]byte
	conn   *natsconn.Conn
	set    people
	disk   diskCopy

	known chan struct{} // closed when the bucket has been read to its end once ever
	once  sync.Once

	stop context.CancelFunc
	done chan struct{}
	wake chan struct{} // NATS is there

	strange atomic.Int64 // keys of the bucket that name nobody

	mu       sync.Mutex
	current  bool      // it follows the bucket at this time
	asOf     time.Time // when it last did
	trouble  string    // why it does not
	diskFail string    // why it cannot be kept on disk
}

// Acquire returns the list of a bucket, opening it if nobody uses it. A NATS that is not
// there is waited for, in the background. To be paired with one Release.
func Acquire(o natsconn.Options, bucket string) (*List, error) {
	text, err := json.Marshal([]any{o, bucket})
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(text)
	pooled, _, err := lists.LoadOrNew(key, func() (caddy.Destructor, error) { return open(o, bucket, key) })
	if err != nil {
		return nil, err
	}
	return pooled.(*List), nil
}

func open(o natsconn.Options, bucket string, key [sha256.Size]byte) (*List, error) {
	conn, err := natsconn.Acquire(o)
	if err != nil {
		return nil, err
	}
	l := &List{
		bucket: bucket, key: key, conn: conn,
		known: make(chan struct{}),
		done:  make(chan struct{}),
		wake:  make(chan struct{}, 1),
	}
	l.disk.name = fileOf(o, bucket)
	asOf, found, err := l.disk.load(&l.set)
	switch {
	case err != nil:
		l.set = people{}
		l.log().Error("the copy of the list on this disk cannot be used: until NATS has given it anew, events are dropped",
			zap.String("file", l.disk.name), zap.Error(err))
	case found:
		l.asOf = asOf
		l.once.Do(func() { close(l.known) })
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	forget := conn.OnConnect(l.connected)
	go func() {
		defer close(l.done)
		defer forget()
		l.follow(ctx)
	}()
	return l, nil
}

// log is that of the configuration in force.
func (l *List) log() *zap.Logger {
	return caddy.Log().Named("segment_pixel.suppress").With(zap.String("bucket", l.bucket))
}

// fileOf is the same for all who name the same bucket of the same account of one NATS, as
// far as the options tell. Passwords and tokens are left out: they change.
func fileOf(o natsconn.Options, bucket string) string {
	identity, _ := json.Marshal([]any{o.Name(), o.Domain, o.User, o.Creds, o.NKey, bucket}) // strings alone
	sum := sha256.Sum256(identity)
	return filepath.Join(caddy.AppDataDir(), "segment_pixel", "suppress", bucket+"-"+hex.EncodeToString(sum[:6])+".list")
}

// Release gives the list back; the last one to do so closes it.
func (l *List) Release() { _, _ = lists.Delete(l.key) }

// Destruct implements caddy.Destructor.
func (l *List) Destruct() error {
	l.stop()
	<-l.done
	l.disk.close()
	l.conn.Release()
	return nil
}

// Has tells whether somebody is on the list, as of the last reading.
func (l *List) Has(kind pixel.PersonKind, value []byte) bool { return l.set.has(personOf(kind, value)) }

// Known tells whether the bucket has been read to its end once ever, by this process or
// by one before it. Until then nobody knows who is on it.
func (l *List) Known() bool {
	select {
	case <-l.known:
		return true
	default:
		return false
	}
}

// AwaitKnown waits for that, but no longer than the context lasts.
func (l *List) AwaitKnown(ctx context.Context) {
	select {
	case <-l.known:
	case <-ctx.Done():
	}
}

// Interface guard
var _ caddy.Destructor = (*List)(nil)
