// SPDX-License-Identifier: Apache-2.0

package adminapi

import (
	"net"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Normal is an address as Caddy's own client knows it, of what people write: with a scheme
// and a path, as from a browser, or without the port.
func Normal(address string) string {
	if strings.HasPrefix(address, "unix/") || strings.HasPrefix(address, "unix//") {
		return address
	}
	if _, rest, found := strings.Cut(address, "://"); found {
		address, _, _ = strings.Cut(rest, "/")
	}
	if _, _, err := net.SplitHostPort(address); err != nil && address != "" && !strings.Contains(address, "/") {
		_, port, _ := net.SplitHostPort(caddy.DefaultAdminListen)
		return net.JoinHostPort(strings.Trim(address, "[]"), port)
	}
	return address
}
