// SPDX-License-Identifier: Apache-2.0

package adminapi_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
)

func TestNormal(t *testing.T) {
	for given, want := range map[string]string{
		"":                                 "",
		"localhost":                        "localhost:2019",
		"localhost:2020":                   "localhost:2020",
		"http://localhost:2020":            "localhost:2020",
		"https://caddy.internal/":          "caddy.internal:2019",
		"http://[::1]:2019/segment_pixel/": "[::1]:2019",
		"::1":                              "[::1]:2019",
		"[::1]":                            "[::1]:2019",
		"unix//run/caddy/admin.sock":       "unix//run/caddy/admin.sock",
		"tcp/localhost:2019":               "tcp/localhost:2019",
	} {
		if got := adminapi.Normal(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}
