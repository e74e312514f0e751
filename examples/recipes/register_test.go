// SPDX-License-Identifier: Apache-2.0

//go:build recipes

package recipes

import _ "github.com/segmentpixel/caddy-segment-pixel"
