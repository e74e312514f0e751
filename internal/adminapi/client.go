// SPDX-License-Identifier: Apache-2.0

package adminapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Client asks the admin endpoint of a Caddy that runs. Unlike Caddy's own client, it heeds
// contexts, and keeps its connection for as long as the command runs.
type Client struct {
	Address   string
	Host      string // which requests must be for
	IsSocket  bool   // whether it is a file, which not all users of this machine may use
	Transport *http.Transport
}

// New returns a client for an address as people write it: also with a scheme and a path, as
// from a browser, or without the port.
func New(address string) (*Client, error) {
	bare := address
	if _, rest, found := strings.Cut(address, "://"); found {
		bare, _, _ = strings.Cut(rest, "/")
	}
	usual, _ := caddy.ParseNetworkAddress(caddy.DefaultAdminListen)
	parsed, err := caddy.ParseNetworkAddressWithDefaults(bare, "tcp", usual.StartPort)
	if err != nil || parsed.PortRangeSize() > 1 {
		return nil, fmt.Errorf("%s is no address of an admin endpoint: write one such as localhost:2019", address)
	}
	target, dialer := parsed.JoinHostPort(0), new(net.Dialer)
	c := &Client{Address: address, Host: target, IsSocket: parsed.IsUnixNetwork()}
	if c.IsSocket {
		target, _, _ = strings.Cut(target, "|") // The mode that Caddy gives it may follow.
		c.Host = "127.0.0.1"
	}
	c.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, parsed.Network, target)
	}}
	return c, nil
}

// Do asks with a request of its own. An answer that is no success becomes a [RefusedError].
func (c *Client) Do(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.Host+path, body)
	if err != nil {
		return nil, err
	}
	request.Header = header
	c.SetOrigin(header)
	response, err := c.Transport.RoundTrip(request)
	if err == nil && response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return nil, errors.Join(&RefusedError{response.StatusCode, string(text)}, err)
	}
	return response, err
}

// SetOrigin says that the endpoint itself is where a request comes from, which it may
// insist on. At a socket, no origin is allowed.
func (c *Client) SetOrigin(header http.Header) {
	header.Del("Origin")
	if !c.IsSocket {
		header.Set("Origin", "http://"+c.Host)
	}
}

// Get gets what is at a path.
func (c *Client) Get(ctx context.Context, path string) ([]byte, error) {
	return read(c.Do(ctx, http.MethodGet, path, make(http.Header), http.NoBody))
}

// Post asks about a text, which may hold any bytes.
func (c *Client) Post(ctx context.Context, path, text string) ([]byte, error) {
	return read(c.Do(ctx, http.MethodPost, path, http.Header{"Content-Type": {"text/plain"}}, strings.NewReader(text)))
}

func read(response *http.Response, err error) (body []byte, _ error) {
	if err == nil {
		defer response.Body.Close()
		body, err = io.ReadAll(response.Body)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no answer in time")
	}
	return body, err
}
