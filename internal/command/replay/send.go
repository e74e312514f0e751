// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

const (
	sendTimeout = 30 * time.Second
	sendTries   = 3
	sendPause   = time.Second
)

// pixelSender requests pixels of a site.
type pixelSender struct {
	client *http.Client
	target *url.URL
	prefix string
}

func newPixelSender(target *url.URL, prefix string) *pixelSender {
	return &pixelSender{
		client: &http.Client{
			Transport: http.DefaultTransport.(*http.Transport).Clone(),
			Timeout:   sendTimeout,
			// A redirect has another target than was asked for.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		target: target,
		prefix: prefix,
	}
}

func (s *pixelSender) close() { s.client.CloseIdleConnections() }

// errNoPixel tells that somebody else answers there.
var errNoPixel = errors.New("the answer is no pixel: check --to and --path-prefix")

// send requests a pixel until it is answered. The query goes out as it is.
func (s *pixelSender) send(ctx context.Context, typ pixel.Type, query string) error {
	target := pixelURL(s.target, s.prefix, typ.String())
	target.RawQuery = query
	for try := 1; ; try++ {
		err := s.request(ctx, target)
		if err == nil || try == sendTries || ctx.Err() != nil || errors.Is(err, errNoPixel) {
			return err
		}
		select {
		case <-time.After(time.Duration(try) * sendPause):
		case <-ctx.Done():
		}
	}
}

func (s *pixelSender) request(ctx context.Context, target *url.URL) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "", http.NoBody)
	if err != nil {
		return err
	}
	request.URL, request.Host = target, target.Host
	request.Header.Set("User-Agent", "") // ours must not become that of the event
	response, err := s.client.Do(request)
	if err != nil {
		// The error of the client names the URL with its query.
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		return fmt.Errorf("%s does not answer: %w", target.Host, err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", target.Host, err)
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s answers %s", target.Host, response.Status)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "image/gif" {
		return fmt.Errorf("%s answers %s: %w", target.Host, response.Status, errNoPixel)
	}
	return nil
}

// pixelURL is where events of that type go.
func pixelURL(target *url.URL, prefix, typ string) *url.URL {
	full := *target
	full.Path = strings.TrimSuffix(target.Path, "/") + strings.TrimSuffix("/"+strings.Trim(prefix, "/"), "/") + "/" + typ
	return &full
}
