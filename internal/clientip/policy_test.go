// SPDX-License-Identifier: Apache-2.0

package clientip_test

import (
	"testing"

	"github.com/segmentpixel/caddy-segment-pixel/internal/clientip"
)

func TestPolicy(t *testing.T) {
	mask := clientip.Policy{Bits4: 24, Bits6: 48, Publish: true}
	full := clientip.Policy{Bits4: 32, Bits6: 128, Publish: true}
	tests := []struct {
		name    string
		policy  clientip.Policy
		in, out string
	}{
		{"masked", mask, "192.0.2.77", "192.0.2.0"},
		{"masked, mapped", mask, "::ffff:192.0.2.77", "192.0.2.0"},
		{"masked, IPv6", mask, "2001:db8:1:2:3::4", "2001:db8:1::"},
		{"masked, zone", mask, "fe80::1%eth0", "fe80::"},
		{"full", full, "192.0.2.77", "192.0.2.77"},
		{"full, mapped", full, "::ffff:192.0.2.77", "192.0.2.77"},
		{"full, IPv6", full, "2001:db8::1", "2001:db8::1"},
		{"nothing kept", clientip.Policy{Publish: true}, "192.0.2.77", "0.0.0.0"},
		{"off", clientip.Policy{Bits4: 32, Bits6: 128}, "192.0.2.77", ""},
		{"with a port", full, "192.0.2.77:80", ""},
		{"no address", full, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := test.policy.Apply(clientip.Parse(test.in))
			if !got.IsValid() && test.out == "" {
				return
			}
			if got.String() != test.out {
				t.Errorf("%s became %v, want %s", test.in, got, test.out)
			}
		})
	}
}
