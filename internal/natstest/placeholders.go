// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"context"

	"github.com/caddyserver/caddy/v2"
)

// WithPlaceholders returns the context of a request that has these placeholders.
func WithPlaceholders(values map[string]string) context.Context {
	repl := caddy.NewReplacer()
	for key, value := range values {
		repl.Set(key, value)
	}
	return context.WithValue(context.Background(), caddy.ReplacerCtxKey, repl)
}
