// SPDX-License-Identifier: Apache-2.0

// Package random makes up JSON objects for the tests of properties.
package random

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// Object returns an object that nests no deeper.
func Object(random *rand.Rand, depth int) map[string]any {
	m := make(map[string]any)
	for i := range random.IntN(6) {
		m["f"+strconv.Itoa(i)+text(random)] = value(random, depth-1)
	}
	return m
}

func value(random *rand.Rand, depth int) any {
	switch kind := random.IntN(7); {
	case kind == 0:
		return nil
	case kind == 1:
		return random.IntN(2) == 0
	case kind == 2:
		return random.NormFloat64() * 1e6
	case kind == 3 && depth > 0:
		return Object(random, depth)
	case kind == 4 && depth > 0:
		values := make([]any, random.IntN(4))
		for i := range values {
			values[i] = value(random, depth-1)
		}
		return values
	default:
		return text(random)
	}
}

func text(random *rand.Rand) string {
	const letters = "aZ09 +/=&%;?<>\"\\\n\x00äß語😀~"
	runes := []rune(letters)
	var b strings.Builder
	for range random.IntN(12) {
		b.WriteRune(runes[random.IntN(len(runes))])
	}
	return b.String()
}
