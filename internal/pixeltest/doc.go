// SPDX-License-Identifier: Apache-2.0

// Package pixeltest has what tests of several packages share: a Caddy with a site, its
// admin endpoint, a NATS server, commands, and load. Only tests import it; those that
// run a Caddy import the package of the handler as well, which registers it.
package pixeltest
