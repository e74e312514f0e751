// SPDX-License-Identifier: Apache-2.0

// Package natstest is the name by which tests of sinks/internal/examine still know
// internal/natstest.
package natstest

import "github.com/segmentpixel/caddy-segment-pixel/internal/natstest"

// WriteFile writes a file of the test.
var WriteFile = natstest.WriteFile
