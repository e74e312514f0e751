// SPDX-License-Identifier: Apache-2.0

package natsserver

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/nats-io/nats-server/v2/server"
)

const (
	// startTimeout bounds the start. Recovering large streams after a crash
	// takes most of it; everything that goes wrong is reported at once.
	startTimeout = time.Minute

	// stopTimeout bounds the stop, which holds Caddy's configuration lock.
	stopTimeout = 10 * time.Second
)

// servers holds the one server of the process, so that it survives reloads:
// Caddy starts the apps of the new configuration before it stops the old ones.
var servers = caddy.NewUsagePool()

// poolKey is the same for all options, because there is one server.
const poolKey = "server"

// embedded is a running NATS server. It outlives the configuration that
// started it and therefore keeps nothing of it but the options.
type embedded struct {
	opts options
	srv  *server.Server
	lock *os.File
}

// startEmbedded starts a server and returns when it accepts clients and all
// streams are recovered.
func startEmbedded(opts options) (*embedded, error) {
	if err := checkPort(opts); err != nil {
		return nil, err
	}
	lock, err := lockStoreDir(opts.storeDir)
	if err != nil {
		return nil, fmt.Errorf("opening store_dir %s: %w; set store_dir to a directory that Caddy may write to and that no other server uses",
			opts.storeDir, err)
	}
	srv, err := server.NewServer(opts.natsOptions())
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("preparing the embedded NATS server: %w", err)
	}
	logger := new(natsLogger)
	srv.SetLoggerV2(logger, false, false, false)

	e := &embedded{opts: opts, srv: srv, lock: lock}
	if err := e.run(logger); err != nil {
		_ = e.Destruct()
		return nil, err
	}
	return e, nil
}

// run starts the server and waits until it is ready.
func (e *embedded) run(logger *natsLogger) error {
	deadline := time.Now().Add(startTimeout)
	started := make(chan struct{})
	go func() {
		defer close(started)
		e.srv.Start()
	}()

	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case <-started:
	case <-timer.C:
		return fmt.Errorf("starting the embedded NATS server: not ready after %s; see the log for what it recovers from store_dir %s",
			startTimeout, e.opts.storeDir)
	}
	// nats-server expects its logger to end the process on a fatal message,
	// and has no other way of telling what went wrong.
	if reason := logger.fatalMessage(); reason != "" {
		return fmt.Errorf("starting the embedded NATS server on %s with store_dir %s: %s",
			e.opts.address(), e.opts.storeDir, reason)
	}
	if !e.srv.ReadyForConnections(time.Until(deadline)) {
		return fmt.Errorf("starting the embedded NATS server: it does not accept connections on %s", e.opts.address())
	}
	return nil
}

// address returns the host:port that the server accepts clients on.
func (e *embedded) address() string {
	if addr := e.srv.Addr(); addr != nil {
		return addr.String()
	}
	return e.opts.address()
}

// clientURL returns the URL at which clients on this machine reach the server.
func (e *embedded) clientURL() string {
	address := e.address()
	if host, port, err := net.SplitHostPort(address); err == nil {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			address = net.JoinHostPort("127.0.0.1", port)
		}
	}
	return "nats://" + address
}

// Destruct stops the server, waiting for it within bounds.
func (e *embedded) Destruct() error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.srv.Shutdown()
		e.srv.WaitForShutdown()
		// Only now may another server have the directory.
		_ = e.lock.Close()
	}()

	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return fmt.Errorf("stopping the embedded NATS server: still running after %s", stopTimeout)
	}
}

// checkPort reports whether the port is free. nats-server recovers the streams
// before it listens; a second Caddy with the same configuration should fail
// before it gets that far.
func checkPort(opts options) error {
	ln, err := net.Listen("tcp", opts.address())
	if err != nil {
		return fmt.Errorf("the embedded NATS server cannot listen: %w; if another NATS server or another Caddy has the port, stop it, or set listen to a free address",
			err)
	}
	return ln.Close()
}

// Interface guards
var _ caddy.Destructor = (*embedded)(nil)
