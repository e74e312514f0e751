// SPDX-License-Identifier: Apache-2.0

package adminapi_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
)

func TestAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"localhost":                        "localhost:2019",
		"localhost:2020":                   "localhost:2020",
		"http://localhost:2020":            "localhost:2020",
		"https://caddy.internal/":          "caddy.internal:2019",
		"http://[::1]:2019/segment_pixel/": "[::1]:2019",
		"::1":                              "[::1]:2019",
		"[::1]":                            "[::1]:2019",
		"tcp/localhost:2019":               "localhost:2019",
	} {
		if c, err := adminapi.New(given); err != nil || c.Host != want || c.IsSocket {
			t.Errorf("%q becomes %+v (%v), want %q", given, c, err, want)
		}
	}
}
