// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestNetworks compares the table with a look at each network.
func TestNetworks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	address := func() netip.Addr {
		if random.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{10, byte(random.IntN(4)), byte(random.IntN(4)), byte(random.IntN(256))})
		}
		return netip.AddrFrom16([16]byte{0x20, 1, byte(random.IntN(4)), 15: byte(random.IntN(256))})
	}
	found := 0
	for range 500 {
		rules := make([]Rule, 6)
		for i := range rules {
			for range random.IntN(4) {
				from := address()
				rules[i].Networks = append(rules[i].Networks, netip.PrefixFrom(from, from.BitLen()-random.IntN(25)))
			}
		}
		table := networksOf(rules)
		for range 100 {
			a := address()
			fits := func(rule int) bool { return rule != 2 } // as its agent is another one
			want := byCrawlers
			for i := len(rules) - 1; i >= 0; i-- {
				for _, prefix := range rules[i].Networks {
					if fits(i) && prefix.Contains(a) {
						want = i
					}
				}
			}
			if want != byCrawlers {
				found++
			}
			if got := table.first(a, fits); got != want {
				t.Fatalf("%s belongs to rule %d, not %d, of %v", a, want, got, rules)
			}
		}
	}
	if found < 1000 || networksOf(nil).first(address(), nil) != byCrawlers || networksOf(Table()).first(netip.Addr{}, nil) != byCrawlers {
		t.Errorf("%d addresses belong to a network, or nothing has one", found)
	}
}
