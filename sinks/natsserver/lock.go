// SPDX-License-Identifier: Apache-2.0

package natsserver

import (
	"os"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/dirlock"
)

// lockName is the file in the store directory that marks its owner.
const lockName = "segment_pixel_nats.lock"

// lockStoreDir creates the store directory if need be and makes this process
// its only owner until the returned file is closed. nats-server takes no lock
// of its own, and two servers on one directory destroy its streams.
func lockStoreDir(dir string) (*os.File, error) {
	// The streams hold personal data.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return dirlock.Lock(dir, lockName)
}
