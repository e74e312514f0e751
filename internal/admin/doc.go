// SPDX-License-Identifier: Apache-2.0

// Package admin is the admin endpoint below /segment_pixel/: status, health, the last
// requests, a stream of those to come, explanations, and the live page. It shows; to
// change something is for the configuration.
package admin
