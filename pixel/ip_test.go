// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

func TestIPPolicy(t *testing.T) {
	mask := pixel.IPPolicy{Bits4: 24, Bits6: 48, Publish: true}
	full := pixel.IPPolicy{Bits4: 32, Bits6: 128, Publish: true}
	tests := []struct {
		name    string
		policy  pixel.IPPolicy
		in, out string
	}{
		{"masked", mask, "192.0.2.77", "192.0.2.0"},
		{"masked, mapped", mask, "::ffff:192.0.2.77", "192.0.2.0"},
		{"masked, IPv6", mask, "2001:db8:1:2:3::4", "2001:db8:1::"},
		{"masked, zone", mask, "fe80::1%eth0", "fe80::"},
		{"full", full, "192.0.2.77", "192.0.2.77"},
		{"full, mapped", full, "::ffff:192.0.2.77", "192.0.2.77"},
		{"full, IPv6", full, "2001:db8::1", "2001:db8::1"},
		{"nothing kept", pixel.IPPolicy{Publish: true}, "192.0.2.77", "0.0.0.0"},
		{"off", pixel.IPPolicy{Bits4: 32, Bits6: 128}, "192.0.2.77", ""},
		{"with a port", full, "192.0.2.77:80", ""},
		{"no address", full, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.policy.Apply(test.in)
			if !got.IsValid() && test.out == "" {
				return
			}
			if got.String() != test.out {
				t.Errorf("%s became %v, want %s", test.in, got, test.out)
			}
		})
	}
}
