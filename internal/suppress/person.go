// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// personSize is how many bytes are kept of a person: the kind, and half of the SHA-256.
// No two of a million people are alike in that but by a chance of one in 10^26.
const personSize = 1 + sha256.Size/2

type person [personSize]byte

// personOf hashes a value that names somebody.
func personOf(kind pixel.PersonKind, value []byte) person {
	return personOfSum(kind, sha256.Sum256(canonical(kind, value)))
}

func personOfSum(kind pixel.PersonKind, sum [sha256.Size]byte) (p person) {
	p[0] = byte(kind)
	copy(p[1:], sum[:])
	return p
}

// canonical is what is hashed.
func canonical(kind pixel.PersonKind, value []byte) []byte {
	if kind == pixel.PersonEmail {
		return bytes.ToLower(bytes.TrimSpace(value))
	}
	return value
}

// Key is the key in the bucket of somebody.
func Key(kind pixel.PersonKind, value string) string {
	sum := sha256.Sum256(canonical(kind, []byte(value)))
	return kind.String() + "." + hex.EncodeToString(sum[:])
}

// ParseKind finds a kind by its name.
func ParseKind(name string) (pixel.PersonKind, error) {
	var names []string
	for _, kind := range pixel.PersonKinds() {
		if kind.String() == name {
			return kind, nil
		}
		names = append(names, kind.String())
	}
	return 0, fmt.Errorf("%q is no kind of person: write one of %s", name, strings.Join(names, ", "))
}

// parseKey is the reverse of Key, as far as there is one.
func parseKey(key string) (p person, ok bool) {
	name, digits, found := strings.Cut(key, ".")
	kind, err := ParseKind(name)
	if !found || err != nil || len(digits) != 2*sha256.Size || strings.ToLower(digits) != digits {
		return p, false
	}
	var sum [sha256.Size]byte
	if _, err := hex.Decode(sum[:], []byte(digits)); err != nil {
		return p, false
	}
	return personOfSum(kind, sum), true
}
