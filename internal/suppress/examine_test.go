// SPDX-License-Identifier: Apache-2.0

package suppress_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
	"github.com/segmentpixel/caddy-segment-pixel/internal/suppress"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// TestExamine has everything that can be wrong with a bucket.
func TestExamine(t *testing.T) {
	s := pixeltest.StartServer(t, &server.Options{
		Port: -1, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{
			{Username: "all", Password: "p"},
			{Username: "none", Password: "p", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"segment.>"}}}},
		},
	})
	url := func(user string) string { return strings.Replace(s.ClientURL(), "://", "://"+user+":p@", 1) }
	client, err := nats.Connect(url("all"), nats.Timeout(pixeltest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	js, err := jetstream.New(client, jetstream.WithDefaultTimeout(pixeltest.Patience))
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []jetstream.KeyValueConfig{
		{Bucket: "good"},
		{Bucket: "forgetful", TTL: time.Hour, Storage: jetstream.MemoryStorage},
	} {
		if _, err := js.CreateKeyValue(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		server, bucket string
		want           []string // marks and words of the last checks
	}{
		{url("all"), "good", []string{"ok good has 0 entries"}},
		{url("all"), "forgetful", []string{"ok forgetful has", "warning it forgets who has withdrawn consent after 1h0m0s", "warning it is in memory"}},
		{url("all"), "missing", []string{"problem missing: the bucket does not exist: make it with nats kv add missing"}},
		{url("none"), "good", []string{"problem no permission to read good"}},
		{"nats://127.0.0.1:1", "good", []string{"skipped not looked at"}},
	} {
		t.Run(test.server+" "+test.bucket, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), pixeltest.Patience)
			defer cancel()
			checks := suppress.Examine(ctx, natsconn.Connection{Servers: []string{test.server}}, "", test.bucket)
			if len(checks) < len(test.want) {
				t.Fatalf("checks %v", checks)
			}
			for i, check := range checks[len(checks)-len(test.want):] {
				if text := fmt.Sprint(check.Mark, " ", check.Found); !strings.HasPrefix(text, test.want[i]) {
					t.Errorf("%q, want %q", text, test.want[i])
				}
				if check.Mark != report.OK && check.Mark != report.Skipped && check.Remedy == "" {
					t.Errorf("no remedy: %v", check)
				}
			}
		})
	}
}
