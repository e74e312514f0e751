// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// runningCaddy is the Caddy that pixels are sent to, as its admin endpoint knows it.
// Its connection is kept, unlike those of Caddy's own client: a replay may be long.
type runningCaddy struct {
	client   *http.Client
	address  string
	host     string
	prefixes []string // the path prefixes that pixels may have when they reach a handler
}

// newRunningCaddy takes the prefix that pixels are sent to, and that of the handler in
// the configuration, which a site in front of it may make of the first.
func newRunningCaddy(address, sent, own string) (*runningCaddy, error) {
	parsed, err := caddy.ParseNetworkAddress(adminapi.Normal(address))
	if err != nil || parsed.PortRangeSize() > 1 {
		return nil, fmt.Errorf("--address %s is no address of an admin endpoint: write one such as localhost:2019", address)
	}
	host := "127.0.0.1"
	if !parsed.IsUnixNetwork() {
		host = parsed.JoinHostPort(0)
	}
	dialer := new(net.Dialer)
	return &runningCaddy{
		client: &http.Client{
			Timeout: sendTimeout,
			Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return dialer.DialContext(ctx, parsed.Network, parsed.JoinHostPort(0))
				},
			},
		},
		address:  address,
		host:     host,
		prefixes: slices.Compact([]string{sent, own}),
	}, nil
}

func (c *runningCaddy) close() { c.client.CloseIdleConnections() }

// verdict is what matters here of an explanation.
type verdict struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Detail  string `json:"detail"`
	Handler int    `json:"handler"`
}

// accepts returns an error unless the configuration that runs accepts the pixel.
func (c *runningCaddy) accepts(ctx context.Context, typ pixel.Type, query string) error {
	var v verdict
	for _, prefix := range c.prefixes {
		target := pixelURL(new(url.URL), prefix, typ.String())
		target.RawQuery = query
		var err error
		if v, err = c.Explain(ctx, target.RequestURI()); err != nil {
			return fmt.Errorf("asking the Caddy at %s whether it accepts the pixel: %w", c.address, err)
		}
		if v.Handler != handlers.NoHandler {
			break
		}
	}
	if v.Outcome == pixel.OutcomeAccepted {
		return nil
	}
	return fmt.Errorf("the Caddy at %s would reject what the configuration accepts (%s: %s): it probably has not been reloaded yet, or runs with another one",
		c.address, v.Reason, terminal.Printable(v.Detail))
}

func (c *runningCaddy) Explain(ctx context.Context, target string) (verdict, error) {
	// As plain text, it may hold any bytes.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.host+adminapi.Path+"explain", strings.NewReader(target))
	if err != nil {
		return verdict{}, err
	}
	request.Header.Set("Content-Type", "text/plain")
	request.Header.Set("Origin", "http://"+c.host)
	response, err := c.client.Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the URL has been named, in other words
		}
		return verdict{}, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return verdict{}, err
	case response.StatusCode == http.StatusNotFound:
		return verdict{}, errors.New("it has no segment_pixel: check --address")
	case response.StatusCode != http.StatusOK:
		return verdict{}, fmt.Errorf("it answers %s: %s", response.Status, terminal.Printable(strings.TrimSpace(string(answer))))
	}
	var v verdict
	if err := json.Unmarshal(answer, &v); err != nil {
		return verdict{}, fmt.Errorf("its answer cannot be read: %w", err)
	}
	return v, nil
}
