// SPDX-License-Identifier: Apache-2.0

// Package natsserver runs a NATS server with JetStream inside the Caddy
// process, so that segment_pixel can be tried, or used on a single machine,
// without installing a broker. Importing the package registers the Caddy app
// segment_pixel_nats and the global Caddyfile option of the same name.
package natsserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/natsoption"
)

// appID is the module ID, the name of the global option and the name of the
// logger.
const appID = natsoption.Name

const (
	defaultListen     = "127.0.0.1:4222"
	defaultMaxMemory  = 256 << 20
	defaultMaxStorage = 10 << 30
	defaultMaxPayload = 1 << 20

	// maxMaxPayload is what nats-server buffers for one client by default; it
	// refuses to start with a larger payload.
	maxMaxPayload = 64 << 20
)

func init() {
	caddy.RegisterModule(new(App))
	natsoption.Parse(parseGlobalOption)
}

// App is a Caddy app that runs one NATS server with JetStream in the Caddy
// process. It is meant for trials and for single machines: there is no
// clustering, no TLS, and, as in nats-server, what JetStream acknowledges
// reaches the disk within two minutes, so a power cut can lose the latest
// messages. For anything else, run NATS on its own.
//
// A process has at most one such server. It keeps running, with its
// connections, when Caddy reloads a configuration that leaves its options
// unchanged; a configuration that changes them is refused, because clients
// would be cut off, and takes effect when Caddy is restarted. A configuration
// without the app stops the server.
type App struct {
	// The address to accept NATS clients on, as host:port. Port 0 takes any
	// free port, which is then in the log. Whoever can reach the address can
	// read and write every event unless `token` is set. May be a placeholder.
	// Default: `127.0.0.1:4222`.
	Listen string `json:"listen,omitempty"`

	// The directory that holds the streams. It is created when the server
	// starts, and belongs to one server at a time. May contain placeholders.
	// Default: `segment_pixel/nats` in Caddy's data directory.
	StoreDir string `json:"store_dir,omitempty"`

	// The most memory, in bytes, that streams kept in memory may use
	// altogether. Default: 268435456 (256 MiB).
	MaxMemory int64 `json:"max_memory,omitempty"`

	// The most disk space, in bytes, that streams kept on disk may use
	// altogether. Default: 10737418240 (10 GiB).
	MaxStorage int64 `json:"max_storage,omitempty"`

	// The largest message, in bytes and headers included, that a client may
	// publish; at most 67108864 (64 MiB). Default: 1048576 (1 MiB).
	MaxPayload int64 `json:"max_payload,omitempty"`

	// The token that every client has to present. It travels unencrypted. Use
	// a placeholder such as `{env.NATS_TOKEN}` to keep it out of the
	// configuration; one that resolves to nothing is an error. As in
	// nats-server, it may be a bcrypt hash of the token. Default: none, every
	// client is accepted.
	Token string `json:"token,omitempty"`

	logger *zap.Logger
	opts   options

	// held is the running server while this app holds a reference to it in
	// the pool, and nil otherwise. It makes the release happen exactly once
	// for every acquisition, whichever of Stop and Cleanup come.
	held   atomic.Pointer[embedded]
	atExit sync.Once
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  appID,
		New: func() caddy.Module { return new(App) },
	}
}

// Provision resolves placeholders and defaults. It neither opens the port nor
// touches the disk, because `caddy validate` provisions too.
func (a *App) Provision(ctx caddy.Context) error {
	a.logger = ctx.Logger()

	if err := a.resolve(caddy.NewReplacer()); err != nil {
		return err
	}
	if a.opts.token == "" && !isLoopback(a.opts.host) {
		a.logger.Warn("the embedded NATS server listens beyond this machine without a token: "+
			"anyone who can reach it can read, forge and delete events; set a token or listen on 127.0.0.1",
			zap.String("listen", a.opts.address()))
	}
	return nil
}

// resolve fills in a.opts from the configuration.
func (a *App) resolve(repl *caddy.Replacer) error {
	a.opts = options{
		maxMemory:  cmp.Or(a.MaxMemory, defaultMaxMemory),
		maxStorage: cmp.Or(a.MaxStorage, defaultMaxStorage),
		maxPayload: cmp.Or(a.MaxPayload, defaultMaxPayload),
	}

	listen := defaultListen
	if a.Listen != "" {
		var err error
		if listen, err = repl.ReplaceOrErr(a.Listen, true, true); err != nil {
			return fmt.Errorf("resolving listen: %w", err)
		}
	}
	var err error
	if a.opts.host, a.opts.port, err = splitListen(listen); err != nil {
		return err
	}

	dir := filepath.Join(caddy.AppDataDir(), "segment_pixel", "nats")
	if a.StoreDir != "" {
		if dir, err = repl.ReplaceOrErr(a.StoreDir, true, true); err != nil {
			return fmt.Errorf("resolving store_dir: %w", err)
		}
	}
	if a.opts.storeDir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("resolving store_dir: %w", err)
	}

	// An unset variable must not turn a protected server into an open one, so
	// an empty result is an error and not the same as no token.
	if a.Token != "" {
		if a.opts.token, err = repl.ReplaceOrErr(a.Token, true, true); err != nil {
			return fmt.Errorf("resolving token: %w", err)
		}
	}
	return nil
}

// Validate checks the limits.
func (a *App) Validate() error {
	switch {
	case a.opts.maxMemory < 0:
		return errors.New("max_memory is negative: write the number of bytes, or leave it out for 256 MiB")
	case a.opts.maxStorage < 0:
		return errors.New("max_storage is negative: write the number of bytes, or leave it out for 10 GiB")
	}
	return checkMaxPayload(a.opts.maxPayload)
}

func checkMaxPayload(size int64) error {
	if size < 0 || size > maxMaxPayload {
		return errors.New("max_payload is out of range: write a number of bytes from 1 to 67108864 (64 MiB), or leave it out for 1 MiB")
	}
	return nil
}

// Start starts the server, or takes a share in the one that an earlier
// configuration started. It fails when that one runs with other options, when
// the port is taken, and when the store directory cannot be used.
func (a *App) Start() error {
	if a.held.Load() != nil {
		return nil
	}
	val, loaded, err := servers.LoadOrNew(poolKey, func() (caddy.Destructor, error) {
		return startEmbedded(a.opts)
	})
	if err != nil {
		return err
	}
	running := val.(*embedded)

	if changed := running.opts.changed(a.opts); len(changed) > 0 {
		// The reference just taken is given back; the earlier configuration
		// still holds its own, so this cannot stop the server.
		if _, err := servers.Delete(poolKey); err != nil {
			return err
		}
		return changedError(running, changed)
	}
	a.held.Store(running)

	if loaded {
		a.logger.Debug("kept the embedded NATS server running", zap.String("address", running.address()))
		return nil
	}
	a.logger.Info("embedded NATS server is running",
		zap.String("address", running.address()),
		zap.String("store_dir", a.opts.storeDir),
		zap.String("watch_events", a.WatchCommand()))
	return nil
}

// Stop gives up this app's share in the server. The last one to do so stops
// it; when the process exits, that is after all other apps, which Caddy stops in
// no fixed order: they may have events to publish until then.
func (a *App) Stop() error {
	if !caddy.Exiting() {
		return a.release()
	}
	a.atExit.Do(func() {
		caddy.OnExit(func(context.Context) { _ = a.release() })
	})
	return nil
}

// Cleanup does what Stop does, for a configuration that is discarded without
// having been stopped.
func (a *App) Cleanup() error { return a.Stop() }

func (a *App) release() error {
	if a.held.Swap(nil) == nil {
		return nil
	}
	_, err := servers.Delete(poolKey)
	return err
}

// ClientURL returns the URL at which clients on this machine reach the running
// server, such as nats://127.0.0.1:4222, without the token. It is empty while
// the app is not started.
func (a *App) ClientURL() string {
	running := a.held.Load()
	if running == nil {
		return ""
	}
	return running.clientURL()
}

// WatchCommand returns the command that prints the events which reach the
// running server, to be run in a checkout of this module. The token is left for
// the reader to fill in. It is empty while the app is not started.
func (a *App) WatchCommand() string {
	url := a.ClientURL()
	if url == "" {
		return ""
	}
	command := "go run ./examples/consumer"
	if url != "nats://"+defaultListen {
		command += " -server " + url
	}
	if a.opts.token != "" {
		command += " -token <token>"
	}
	return command
}

// splitListen takes a host:port apart. The host may be empty, which means
// every interface.
func splitListen(listen string) (host string, port int, err error) {
	host, portText, err := net.SplitHostPort(listen)
	if err == nil {
		if number, err := strconv.ParseUint(portText, 10, 16); err == nil {
			return host, int(number), nil
		}
	}
	return "", 0, fmt.Errorf("listen %q is not an address: write host:port, for example %s", listen, defaultListen)
}

// isLoopback reports whether only this machine can reach host. A name other
// than localhost counts as reachable from elsewhere, because resolving it here
// would need the network.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.Validator    = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
