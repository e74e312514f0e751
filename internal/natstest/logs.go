// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/zaptest/observer"
)

// RefuseSecrets fails the test if a line or a field of the logs holds a secret.
func RefuseSecrets(t *testing.T, logs *observer.ObservedLogs, secrets ...string) {
	t.Helper()
	for _, entry := range logs.All() {
		var text strings.Builder
		text.WriteString(entry.Message)
		for _, field := range entry.Context {
			text.WriteString(" " + field.String)
			if list, ok := entry.ContextMap()[field.Key].([]any); ok {
				for _, item := range list {
					text.WriteString(" " + caddy.ToString(item))
				}
			}
		}
		for _, secret := range secrets {
			if strings.Contains(text.String(), secret) {
				t.Errorf("the log line holds a secret: %s", text.String())
			}
		}
	}
}

// Messages are those of all lines.
func Messages(logs *observer.ObservedLogs) string {
	var all []string
	for _, entry := range logs.All() {
		all = append(all, entry.Message)
	}
	return strings.Join(all, "; ")
}
