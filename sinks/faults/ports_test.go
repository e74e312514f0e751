// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import "github.com/segmentpixel/caddy-segment-pixel/internal/harness"

func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		var err error
		if addresses[i], err = harness.FreeAddress(); err != nil {
			return nil, err
		}
	}
	return addresses, nil
}
