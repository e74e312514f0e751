// SPDX-License-Identifier: Apache-2.0

package adminapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Path is where the admin endpoint has what is ours.
const Path = "/segment_pixel/"

// Ask gets one thing from the admin endpoint of a Caddy that runs.
func Ask(ctx context.Context, address, path string) ([]byte, error) {
	c, err := New(address)
	if err != nil {
		return nil, err
	}
	return c.Get(ctx, path)
}

// RefusedError is the error of an answer in which Caddy says what is wrong.
type RefusedError struct {
	Code int
	Text string
}

func (r *RefusedError) Error() string {
	return fmt.Sprintf("caddy responded with error: HTTP %d: %s", r.Code, r.Text)
}

// Explain says what to do when Caddy does not answer, or knows no such endpoint.
func Explain(err error) error {
	refused, answered := errors.AsType[*RefusedError](err)
	switch {
	case !answered:
		return fmt.Errorf("%w (is Caddy running, is its admin endpoint on, and is this its --address?)", err)
	case refused.Code == http.StatusNotFound:
		return fmt.Errorf("the Caddy at this address has no segment_pixel: %w", err)
	}
	return err
}
