// SPDX-License-Identifier: Apache-2.0

package adminapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// Path is where the admin endpoint has what is ours.
const Path = "/segment_pixel/"

// Ask gets something from the admin API of a Caddy that runs. Caddy's own client
// knows all sorts of addresses, but waits for ever.
func Ask(ctx context.Context, address, path string) ([]byte, error) {
	type result struct {
		body []byte
		err  error
	}
	answered := make(chan result, 1)
	go func() {
		response, err := caddycmd.AdminAPIRequest(Normal(address), http.MethodGet, path, http.Header{"Connection": {"close"}}, nil)
		if err != nil {
			answered <- result{err: err}
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		answered <- result{body, err}
	}()
	select {
	case r := <-answered:
		return r.body, r.err
	case <-ctx.Done():
		return nil, errors.New("no answer in time")
	}
}

// Explain says what to do when Caddy knows no such endpoint.
func Explain(err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "HTTP 404"):
		return fmt.Errorf("the Caddy at this address has no segment_pixel: %w", err)
	case strings.Contains(text, "HTTP "):
		return err // Caddy has said what is wrong.
	}
	return fmt.Errorf("%w (is Caddy running, is its admin endpoint on, and is this its --address?)", err)
}
