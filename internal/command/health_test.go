// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/internal/command"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

func TestHealth(t *testing.T) {
	s := pixeltest.NewAdminSite(t)
	s.Run("", pixeltest.Silent(t))
	address := s.Admin[len("http://"):]
	pixeltest.Execute(t, command.NewHealth(), "--address", address).Want(caddy.ExitCodeSuccess, `"live"`)
	pixeltest.Execute(t, command.NewHealth(), "--address", address, "--ready").Want(caddy.ExitCodeSuccess, `"ready"`)

	unwell := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"not ready","problems":["no stream"]}`))
	}))
	defer unwell.Close()
	pixeltest.Execute(t, command.NewHealth(), "--address", unwell.Listener.Addr().String(), "--ready").Want(cli.ExitProblem, "no stream")
	pixeltest.Execute(t, command.NewHealth(), "--address", "127.0.0.1:1").Want(cli.ExitProblem, "is Caddy running")
}
