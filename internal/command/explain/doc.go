// SPDX-License-Identifier: Apache-2.0

// Package explain is "caddy segment-pixel explain": what becomes of a pixel, step by
// step, or of those of an access log. The steps themselves are told by pixel.
package explain
