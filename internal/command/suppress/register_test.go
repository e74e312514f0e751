// SPDX-License-Identifier: Apache-2.0

package suppress_test

// The tests run a Caddy that has all of this module.
import _ "github.com/segmentpixel/caddy-segment-pixel"
