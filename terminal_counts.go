// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import "fmt"

// plural is a number with a word in the form that goes with it.
func plural(n int, word string) string {
	switch n {
	case 0:
		return "no " + word + "s"
	case 1:
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// total is the sum of counts.
func total(counts map[string]uint64) uint64 {
	sum := uint64(0)
	for _, n := range counts {
		sum += n
	}
	return sum
}
