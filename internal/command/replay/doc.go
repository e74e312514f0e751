// SPDX-License-Identifier: Apache-2.0

// Package replay is "caddy segment-pixel replay": it sends rejected requests again, and
// publishes events that were set aside as undeliverable.
package replay
