// SPDX-License-Identifier: Apache-2.0

// Package segmentpixel is a Caddy HTTP handler that answers Segment's Tracking
// Pixel API on a site of yours and passes each event on, to NATS above all.
//
//	example.com {
//		segment_pixel {
//			write_key {env.WRITE_KEY} web
//			sink jetstream nats://127.0.0.1:4222
//		}
//		file_server
//	}
package segmentpixel

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/internal/clientip"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/internal/version"
	"github.com/segmentpixel/caddy-segment-pixel/internal/watch"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Handler answers tracking pixels in the manner of Segment's Tracking Pixel API,
// GET /v1/pixel/{identify,group,alias,page,screen,track}, always with 200 and a
// transparent gif, and hands each decoded event to its sinks before it answers.
// Requests outside of its path prefixes go to the next handler untouched.
//
// These placeholders are set on each request that it answers, but for HEAD and
// OPTIONS, which are no events:
//
// Placeholder | Description
// ------------|-------------
// `{http.segment_pixel.outcome}` | `accepted`; the reason why the request was rejected; `dropped` if a sink did not take the event; `failed` after a fault of our own
// `{http.segment_pixel.type}` | the event type; empty if the path names none
// `{http.segment_pixel.source}` | the source of the write key; empty if it is unknown
// `{http.segment_pixel.message_id}` | the message id of the event; empty if there is none
type Handler struct {
	// The write keys that are accepted and the source that each stands for. One
	// key may leave its source out. Either this or `write_key_files` is required.
	WriteKeys []keys.Key `json:"write_keys,omitempty"`

	// Files with a write key and a source on each line, read when the
	// configuration is started and again when they change. Empty lines and lines
	// that begin with # are skipped. The names may hold placeholders such as
	// `{env.CREDENTIALS_DIRECTORY}`. Default: none
	WriteKeyFiles []string `json:"write_key_files,omitempty"`

	// The paths under which the event types are found.
	// Default: `["/v1/pixel"]`
	PathPrefixes []string `json:"path_prefixes,omitempty"`

	// Where events go. Each sink gets every event, and none waits for another.
	// Default: the `log` sink, for a first try.
	SinksRaw []json.RawMessage `json:"sinks,omitempty" caddy:"namespace=http.handlers.segment_pixel.sinks inline_key=sink"`

	// The largest object that is accepted, in bytes of JSON.
	// Default: what the server's max_header_size lets through, 20480 where that is not
	// changed, and at most 32768, which is Segment's limit.
	MaxEventSize int `json:"max_event_size,omitempty"`

	// Query parameters that are no fields of the event, because pages and mail
	// tools add them against caches. Default:
	// `["cb", "cachebuster", "ord", "rnd", "_", "usqp"]`; an empty list ignores
	// none.
	IgnoreParams []string `json:"ignore_params,omitzero"`

	// How much of the client's address is published as context.ip: `full`,
	// `mask` or `off`. Default: `mask`
	ClientIP string `json:"client_ip,omitempty"`

	// What `mask` keeps of an address. Default: 24 bits of IPv4, 48 of IPv6.
	IPMask *IPMask `json:"ip_mask,omitempty"`

	// Whether events say who has fetched the pixel, in context.fetch: `on` or `off`.
	// Default: `on`
	Classify string `json:"classify,omitempty"`

	// Who fetches pixels, besides those who are known. These rules are asked first, in
	// their order. Default: none
	Fetchers []Fetcher `json:"fetchers,omitempty"`

	// Whether the user agent is published as context.userAgent: `full` or `off`. With
	// `off` it is still asked for who has fetched the pixel. Default: `full`
	UserAgent string `json:"user_agent,omitempty"`

	// The keys with which sealed pixels are opened. Default: none, and a token is not read
	Seal *Seal `json:"seal,omitempty"`

	// The list of those who have withdrawn consent, of whom nothing is published or
	// kept. Default: none
	Suppress *Suppress `json:"suppress,omitempty"`

	// What becomes of the requests that Segment's SDKs post to `/v1/batch` and the like,
	// beside a pixel under `/v1/pixel`: `refuse` answers 404 where the site would answer
	// with a success that is no JSON, so that an SDK does not take its events for
	// delivered; `pass` leaves them to the site. Default: `refuse`
	TrackingAPI string `json:"tracking_api,omitempty"`

	// The signals against tracking that are honoured: `gpc` (Sec-GPC: 1) and
	// `dnt` (DNT: 1). Default: neither
	Honor []string `json:"honor,omitempty"`

	decoder     pixel.Decoder
	prefixes    prefixes
	keys        keys.Ring
	ip          clientip.Policy
	fetchers    *fetcher.Classifier // nil if nobody asks
	seals       *seal.Ring          // nil without seal
	suppression *suppression        // nil without suppress
	addresses   []string            // where pixels may be sent to, once the app has started
	maxHeader   int                 // of the server, in bytes, once the app has started; 0 if that is not known
	honorGPC    bool
	honorDNT    bool
	sinks       []*mountedSink
	rejections  *watch.RejectionLog
	proxies     watch.ProxyWatch
	app         *App
	logger      *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.segment_pixel",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision parses the configuration and loads the sinks. It touches neither the
// network nor the disk: what runs is started by the app segment_pixel.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	h.rejections = watch.NewRejectionLog(h.logger)
	app, err := ctx.App("segment_pixel")
	if err != nil {
		return fmt.Errorf("getting the segment_pixel app: %w", err)
	}
	h.app = app.(*App)
	h.provisionDefaults(maxHeaderBytes(ctx))
	if err := h.keys.Provision(h.WriteKeys, h.WriteKeyFiles, h.logger); err != nil {
		return err
	}
	if err := h.provisionDecoder(); err != nil {
		return err
	}
	h.decoder.Source = h.keys.Source
	if err := h.provisionSeal(); err != nil {
		return err
	}
	if err := h.provisionSuppress(); err != nil {
		return err
	}
	if err := h.provisionFetchers(); err != nil {
		return err
	}
	if err := h.loadSinks(ctx); err != nil {
		return err
	}
	if err := watch.RegisterMetrics(ctx.GetMetricsRegistry(), suppress.Collector); err != nil {
		return err
	}
	h.app.add(h)
	return nil
}

// provisionDefaults fills in what was left out. The limit is that of the server, zero where
// that is not known.
func (h *Handler) provisionDefaults(maxHeaderBytes int) {
	if h.PathPrefixes == nil {
		h.PathPrefixes = []string{handlers.DefaultPathPrefix}
	}
	if h.MaxEventSize == 0 {
		h.MaxEventSize = pixel.DefaultMaxEventSize
		if maxHeaderBytes > 0 {
			h.MaxEventSize = handlers.DefaultMaxEventSize(maxHeaderBytes)
		}
	}
	if h.IgnoreParams == nil {
		h.IgnoreParams = pixel.DefaultIgnored()
	}
	if h.ClientIP == "" {
		h.ClientIP = clientIPMask
	}
	h.ip = ipPolicy(h.ClientIP, h.IPMask)
	if h.Classify == "" {
		h.Classify = classifyOn
	}
	if h.UserAgent == "" {
		h.UserAgent = userAgentFull
	}
	if h.TrackingAPI == "" {
		h.TrackingAPI = trackingAPIRefuse
	}
	for _, signal := range h.Honor {
		h.honorGPC = h.honorGPC || signal == pixel.GPC.String()
		h.honorDNT = h.honorDNT || signal == pixel.DNT.String()
	}
}

// provisionDecoder makes ready what decodes a request, but for the write keys.
func (h *Handler) provisionDecoder() (err error) {
	if h.prefixes, err = newPrefixes(h.PathPrefixes); err != nil {
		return err
	}
	h.decoder = pixel.Decoder{
		MaxEventSize: h.MaxEventSize,
		Ignored:      make(map[string]struct{}),
		Version:      version.Module(),
	}
	for _, name := range h.IgnoreParams {
		h.decoder.Ignored[name] = struct{}{}
	}
	return nil
}

func (h *Handler) loadSinks(ctx caddy.Context) error {
	if len(h.SinksRaw) == 0 {
		module, err := ctx.LoadModuleByID(sinks.Namespace+".log", nil)
		if err != nil {
			return fmt.Errorf("loading the default sink: %w", err)
		}
		h.logger.Warn("no sink is named: events are written to this log and kept nowhere else; add a sink, such as jetstream")
		return h.mount(module)
	}
	modules, err := ctx.LoadModule(h, "SinksRaw")
	if err != nil {
		return fmt.Errorf("loading sink modules: %w", err)
	}
	for _, module := range modules.([]any) {
		if err := h.mount(module); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) mount(module any) error {
	sink, ok := module.(sinks.Sink)
	if !ok {
		return fmt.Errorf("module %T is no segment_pixel sink", module)
	}
	h.sinks = append(h.sinks, newMountedSink(sink, h.logger, h.app.emitter))
	return nil
}

// Validate checks what has been configured.
func (h *Handler) Validate() error {
	if err := keys.Validate(h.WriteKeys, h.WriteKeyFiles); err != nil {
		return err
	}
	if len(h.PathPrefixes) == 0 {
		return fmt.Errorf("path_prefixes is empty: leave it out for %s", handlers.DefaultPathPrefix)
	}
	if err := checkMaxEventSize(h.MaxEventSize); err != nil {
		return err
	}
	for _, name := range h.IgnoreParams {
		if err := checkIgnored(name); err != nil {
			return err
		}
	}
	if err := checkClientIP(h.ClientIP); err != nil {
		return err
	}
	if err := h.IPMask.validate(h.ClientIP); err != nil {
		return err
	}
	for _, signal := range h.Honor {
		if err := checkSignal(signal); err != nil {
			return err
		}
	}
	if err := h.Seal.validate(); err != nil {
		return err
	}
	if err := h.Suppress.validate(); err != nil {
		return err
	}
	if err := checkOneOf("classify", h.Classify, classifyOn, classifyOff); err != nil {
		return err
	}
	if err := checkOneOf("tracking_api", h.TrackingAPI, trackingAPIRefuse, trackingAPIPass); err != nil {
		return err
	}
	return checkOneOf("user_agent", h.UserAgent, userAgentFull, userAgentOff)
}

// start reads the key files and starts the sinks; the app calls it.
func (h *Handler) start(configuration any) error {
	if err := h.keys.Start(); err != nil {
		return err
	}
	if h.seals != nil {
		if err := h.seals.Start(); err != nil {
			return err
		}
	}
	h.warnOfSize()
	if err := h.suppression.start(); err != nil {
		return err
	}
	for _, sink := range h.sinks {
		if err := sink.start(sinks.Site{MaxEventSize: h.MaxEventSize, Configuration: configuration}); err != nil {
			return err
		}
	}
	return nil
}

// stop lets go of everything that start has begun. It may be called at any time
// and more than once.
func (h *Handler) stop() {
	h.keys.Stop()
	if h.seals != nil {
		h.seals.Stop()
	}
	h.suppression.stop()
	for _, sink := range h.sinks {
		sink.stop()
	}
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
