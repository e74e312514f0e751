// SPDX-License-Identifier: Apache-2.0

package terminal

import "fmt"

// Plural is a number with a word in the form that goes with it.
func Plural(n int, word string) string {
	switch n {
	case 0:
		return "no " + word + "s"
	case 1:
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Total is the sum of counts.
func Total(counts map[string]uint64) uint64 {
	sum := uint64(0)
	for _, n := range counts {
		sum += n
	}
	return sum
}
