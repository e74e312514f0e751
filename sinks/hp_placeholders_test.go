// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"context"

	"github.com/caddyserver/caddy/v2"
)

// withPlaceholders returns the context of a request that has these placeholders.
func withPlaceholders(values map[string]string) context.Context {
	repl := caddy.NewReplacer()
	for key, value := range values {
		repl.Set(key, value)
	}
	return context.WithValue(context.Background(), caddy.ReplacerCtxKey, repl)
}
