// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// TestDoctorProvesTheWayIn has sites on which pixels are found, and others on which they are
// answered by something else.
func TestDoctorProvesTheWayIn(t *testing.T) {
	const pixel = "segment_pixel {\nwrite_key k web\nsink writer discard\nOPTIONS\n}\n"
	with := func(options string) string { return strings.Replace(pixel, "OPTIONS", options, 1) }
	for _, test := range []struct {
		name, site string
		code       int
		want       string
	}{
		{"a site", with("") + "respond hello", 0, "/v1/pixel/... answers as a pixel does"},
		{"two prefixes", with("path_prefix /a /b"), 0, "/b/... answers as a pixel does"},
		{"a matcher of all below", strings.Replace(with(""), "segment_pixel", "segment_pixel /v1/pixel/*", 1), 0, "/v1/pixel/... answers as a pixel does"},
		{"handle_path", "handle_path /v1/pixel/* {\n" + with("path_prefix /") + "}", 0, "/v1/pixel/... answers as a pixel does"},
		{"handle_path with the prefix", "handle_path /v1/pixel/* {\n" + with("") + "}", 5, "write path_prefix / into the block"},
		{"a matcher of one path", strings.Replace(with(""), "segment_pixel", "segment_pixel /v1/pixel", 1), 5, "write /v1/pixel/* as the matcher"},
		{"a handle of another path", "handle /pixel/* {\n" + with("") + "}", 5, "no request for /v1/pixel/track gets through"},
		{"a redirect before it", "route {\nredir https://example.com{uri} 301\n" + with("") + "}", 5, "answered by something else of the site: status 301"},
		{"a page before it", "route {\nrespond hello\n" + with("") + "}", 5, "answered by something else of the site: status 200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := pixeltest.NewAdminSite(t)
			s.Run("", test.site)
			before := s.Status().Outcomes
			pixeltest.Execute(t, command.NewDoctor(), "--address", strings.TrimPrefix(s.Admin, "http://")).Want(test.code, test.want)
			after := s.Status().Outcomes
			if after.Accepted != before.Accepted || len(after.Rejected) != len(before.Rejected) {
				t.Errorf("the doctor is counted: %+v, before %+v", after, before)
			}
		})
	}
}
