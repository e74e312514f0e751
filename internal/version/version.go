// SPDX-License-Identifier: Apache-2.0

package version

import "runtime/debug"

const modulePath = "github.com/segmentpixel/caddy-segment-pixel"

// Module is the version of this module in the running binary.
func Module() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range append(info.Deps, &info.Main) {
		if module.Path == modulePath && module.Version != "" {
			return module.Version
		}
	}
	return "unknown"
}
