// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"context"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

type replacerLock struct{}

// WithSharedReplacer prepares the context of a request for several sinks at once.
// Caddy's replacer is made for one goroutine: some placeholders write to the
// request when they are read.
func WithSharedReplacer(ctx context.Context) context.Context {
	return context.WithValue(ctx, replacerLock{}, new(sync.Mutex))
}

// Placeholder returns the value of a placeholder, named without its braces, for
// the request that the context belongs to. An unknown one is empty.
func Placeholder(ctx context.Context, name string) string {
	if lock, ok := ctx.Value(replacerLock{}).(*sync.Mutex); ok {
		lock.Lock()
		defer lock.Unlock()
	}
	repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		repl = caddy.NewReplacer()
	}
	value, _ := repl.GetString(name)
	return value
}
