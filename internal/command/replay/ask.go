// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/terminal"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// runningCaddy is the Caddy that pixels are sent to, as its admin endpoint knows it.
type runningCaddy struct {
	admin    *adminapi.Client
	prefixes []string // the path prefixes that pixels may have when they reach a handler
}

// newRunningCaddy takes the prefix that pixels are sent to, and that of the handler in
// the configuration, which a site in front of it may make of the first.
func newRunningCaddy(address, sent, own string) (*runningCaddy, error) {
	admin, err := adminapi.New(address)
	if err != nil {
		return nil, fmt.Errorf("--address %w", err)
	}
	return &runningCaddy{admin: admin, prefixes: slices.Compact([]string{sent, own})}, nil
}

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
			return fmt.Errorf("asking the Caddy at %s whether it accepts the pixel: %w", c.admin.Address, err)
		}
		if v.Handler != handlers.NoHandler {
			break
		}
	}
	if v.Outcome == pixel.OutcomeAccepted {
		return nil
	}
	return fmt.Errorf("the Caddy at %s would reject what the configuration accepts (%s: %s): it probably has not been reloaded yet, or runs with another one",
		c.admin.Address, v.Reason, terminal.Printable(v.Detail))
}

func (c *runningCaddy) Explain(ctx context.Context, target string) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	answer, err := c.admin.Post(ctx, adminapi.Path+"explain", target)
	if refused, ok := errors.AsType[*adminapi.RefusedError](err); ok && refused.Code == http.StatusNotFound {
		return verdict{}, errors.New("it has no segment_pixel: check --address")
	} else if ok {
		err = fmt.Errorf("it answers %d %s: %s", refused.Code, http.StatusText(refused.Code), terminal.Printable(strings.TrimSpace(refused.Text)))
	}
	if err != nil {
		return verdict{}, err
	}
	var v verdict
	if err := json.Unmarshal(answer, &v); err != nil {
		return verdict{}, fmt.Errorf("its answer cannot be read: %w", err)
	}
	return v, nil
}
