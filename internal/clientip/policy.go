// SPDX-License-Identifier: Apache-2.0

package clientip

import "net/netip"

// Policy says how much of a client's address is published. The zero value
// publishes nothing.
type Policy struct {
	// Bits4 and Bits6 are how many leading bits of an IPv4 and of an IPv6
	// address are kept; the others become zero.
	Bits4, Bits6 int
	// Publish is false where no address is to leave the machine.
	Publish bool
}

// Parse reads a client's address. An IPv4 address mapped into IPv6 is treated as IPv4,
// and a zone is dropped. The result is invalid where the text is no address.
func Parse(text string) netip.Addr {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// Apply masks an address. The result is invalid when nothing is to be published.
func (p Policy) Apply(addr netip.Addr) netip.Addr {
	if !p.Publish || !addr.IsValid() {
		return netip.Addr{}
	}
	bits := p.Bits6
	if addr.Is4() {
		bits = p.Bits4
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}
