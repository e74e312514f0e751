// SPDX-License-Identifier: Apache-2.0

// Package clock reads the times that clients write: ISO 8601, Unix time, the dates of
// mail and HTTP, and those of JavaScript. What an event's times are is not up to it.
package clock
