// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func TestAdminRefuses(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	for _, test := range []struct {
		method, path string
		code         int
	}{
		{http.MethodPost, "/segment_pixel/status", http.StatusMethodNotAllowed},
		{http.MethodGet, "/segment_pixel/explain", http.StatusMethodNotAllowed},
		{http.MethodDelete, "/segment_pixel/recent", http.StatusMethodNotAllowed},
		{http.MethodGet, "/segment_pixel/nothing", http.StatusNotFound},
		{http.MethodGet, "/segment_pixel/live?type=click", http.StatusBadRequest},
		{http.MethodHead, "/segment_pixel/status", http.StatusOK},
		{http.MethodGet, "/segment_pixel/health/live", http.StatusOK},
	} {
		if code, text := s.Ask(test.method, test.path, ""); code != test.code {
			t.Errorf("%s %s: %d %s", test.method, test.path, code, text)
		}
	}
}

func TestPage(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	response, err := http.Get(s.Admin + "/segment_pixel/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "text/html; charset=utf-8" || !bytes.Contains(text, []byte("<!doctype html>")) {
		t.Errorf("got %s: %.100s", got, text)
	}
	policy := response.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || strings.Count(policy, "sha256-") != 2 {
		t.Errorf("the policy is %s", policy)
	}
	for _, element := range []string{"\n<script", "\n<style", "\n</script", "\n</style"} {
		if bytes.Count(text, []byte(element)) != 1 {
			t.Errorf("the page has not one %s, and the policy no other", strings.TrimSpace(element))
		}
	}
}
