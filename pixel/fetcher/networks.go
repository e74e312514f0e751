// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
)

// networks is a table of the networks of rules, so that an address need not be compared
// with each.
type networks []span

// span is one network of a rule. In the order of the first addresses, reach is the last
// address of all networks up to this one: there is nothing before it that could hold an
// address beyond that.
type span struct {
	prefix      netip.Prefix
	rule        int
	last, reach netip.Addr
}

func networksOf(rules []Rule) networks {
	var all networks
	for i := range rules {
		for _, prefix := range rules[i].Networks {
			prefix = prefix.Masked()
			all = append(all, span{prefix: prefix, rule: i, last: lastOf(prefix)})
		}
	}
	slices.SortFunc(all, func(a, b span) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), a.rule-b.rule)
	})
	for i := range all {
		all[i].reach = all[i].last
		if i > 0 && all[i].reach.Less(all[i-1].reach) {
			all[i].reach = all[i-1].reach
		}
	}
	return all
}

// lastOf is the last address of a network.
func lastOf(prefix netip.Prefix) netip.Addr {
	bytes := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// first returns the first rule that an address belongs to and that fits, or byCrawlers.
func (n networks) first(address netip.Addr, fits func(rule int) bool) int {
	found := byCrawlers
	behind := sort.Search(len(n), func(i int) bool { return address.Less(n[i].prefix.Addr()) })
	for i := behind - 1; i >= 0 && !n[i].reach.Less(address); i-- {
		if n[i].rule < found && !n[i].last.Less(address) && fits(n[i].rule) {
			found = n[i].rule
		}
	}
	return found
}
