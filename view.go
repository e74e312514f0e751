// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"context"
	"net/http"

	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

func init() {
	handlers.Of = func(module any) handlers.Handler { return view{module.(*Handler)} }
	handlers.Offline = newOffline
}

// view shows a handler to the admin endpoint, the doctor and the commands.
type view struct{ h *Handler }

func (v view) Options() handlers.Options {
	return handlers.Options{PathPrefixes: v.h.PathPrefixes, MaxEventSize: v.h.MaxEventSize, ClientIP: v.h.ClientIP, Addresses: v.h.addresses}
}

func (v view) Keys() *keys.Ring { return &v.h.keys }

func (v view) Load() error {
	if err := v.h.keys.Load(); err != nil || v.h.seals == nil {
		return err
	}
	return v.h.seals.Load()
}

func (v view) Seals() (file string, err error) {
	if v.h.seals == nil {
		return "", nil
	}
	_, err = seal.ReadSet(v.h.seals.File())
	return v.h.seals.File(), err
}

func (v view) Sinks() []handlers.Sink {
	all := make([]handlers.Sink, len(v.h.sinks))
	for i, sink := range v.h.sinks {
		all[i] = handlers.Sink{Sink: sink.Sink, Name: sink.name, Problem: sink.health.problem}
	}
	return all
}

func (v view) Problems() (all report.Trouble) {
	if problem := v.h.proxies.Problem(); problem != "" && v.h.ip.Publish {
		all.AddProblem(watch.ClientIP, watch.ProxyRemedy, "%s", problem)
	}
	if problem := v.h.keys.Problem(); problem != "" {
		all.AddProblem("write keys", "", "%s", problem)
	}
	if v.h.seals != nil && v.h.seals.Problem() != "" {
		all.AddProblem("seals", "", "%s", v.h.seals.Problem())
	}
	return all
}

func (v view) Seal(object []byte) (token string, has bool, err error) {
	if v.h.seals == nil {
		return "", false, nil
	}
	token, err = v.h.seals.Seal(object)
	return token, true, err
}

func (v view) Suppress() *handlers.Suppress {
	s := v.h.suppression
	if s == nil {
		return nil
	}
	c := s.configured
	shown := &handlers.Suppress{
		Bucket: c.Bucket,
		Examine: func(ctx context.Context) []report.Check {
			return suppress.Examine(ctx, c.Connection, c.Domain, c.Bucket)
		},
		Open: func(ctx context.Context) (*suppress.Bucket, error) {
			return suppress.Reach(ctx, c.Connection, c.Domain, c.Bucket)
		},
	}
	if list := s.list.Load(); list != nil {
		state := list.State()
		shown.State = &state
	}
	return shown
}

func (v view) Route(path string) (pixel.Type, bool) { return v.h.prefixes.route(path) }

func (v view) Facts(r *http.Request) pixel.Facts {
	facts := v.h.facts(r)
	if v.h.fetchers != nil {
		facts.FetchReason = fetcher.Reason(v.h.fetchers.Explain(&fetcher.Request{
			UserAgent: r.UserAgent(), Header: r.Header.Get, Address: clientAddress(r),
		}))
	}
	return facts
}

func (v view) Decode(r *http.Request, typ pixel.Type, facts *pixel.Facts) (*pixel.Event, *pixel.Rejection) {
	return v.h.decode(r, typ, facts)
}

func (v view) Decoder() *pixel.Decoder { return &v.h.decoder }

// newOffline returns a handler that takes any write key, without a configuration.
func newOffline(pixels handlers.Pixels) (handlers.Handler, error) {
	h := &Handler{MaxEventSize: pixels.MaxEventSize, logger: zap.NewNop()}
	if len(pixels.PathPrefixes) > 0 {
		h.PathPrefixes = pixels.PathPrefixes
	}
	if pixels.SealFile != "" {
		h.Seal = &Seal{File: pixels.SealFile}
	}
	h.provisionDefaults(0)
	if err := checkMaxEventSize(h.MaxEventSize); err != nil {
		return nil, err
	}
	if err := h.provisionDecoder(); err != nil {
		return nil, err
	}
	if err := h.provisionSeal(); err != nil {
		return nil, err
	}
	h.decoder.Source = func(string) (string, bool) { return "", true }
	_ = h.keys.Provision(nil, nil, h.logger) // none are there that could be wrong
	return view{h}, nil
}
