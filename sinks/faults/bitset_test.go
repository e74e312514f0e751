// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

// bitset is a set of small numbers.
type bitset []uint64

// set adds a number and tells whether it was new.
func (b *bitset) set(n int) bool {
	for n/64 >= len(*b) {
		*b = append(*b, 0)
	}
	bit := uint64(1) << (n % 64)
	was := (*b)[n/64]
	(*b)[n/64] |= bit
	return was&bit == 0
}

func (b bitset) has(n int) bool {
	return n/64 < len(b) && b[n/64]&(1<<(n%64)) != 0
}
