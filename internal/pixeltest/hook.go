// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"context"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks"
)

// hookSink is a sink that does what a test tells it.
type hookSink struct {
	Hook string `json:"hook,omitempty"`
}

// Hooks are what the sinks of this kind call.
var Hooks sync.Map // by name, func(context.Context, *pixel.Event) error

func (*hookSink) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: sinks.Namespace + ".hook", New: func() caddy.Module { return new(hookSink) }}
}

// Hook has the sink "hook" with the name of the test call publish, until the test ends.
func Hook(t *testing.T, publish func(context.Context, *pixel.Event) error) {
	t.Helper()
	Hooks.Store(t.Name(), publish)
	t.Cleanup(func() { Hooks.Delete(t.Name()) })
}

func init() {
	caddy.RegisterModule(new(hookSink))
}

func (s *hookSink) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	d.Args(&s.Hook)
	return nil
}

func (s *hookSink) Publish(ctx context.Context, event *pixel.Event) error {
	hook, _ := Hooks.Load(s.Hook)
	return hook.(func(context.Context, *pixel.Event) error)(ctx, event)
}
