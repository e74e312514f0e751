// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
)

// The algorithms of keys. A key serves one of them, so that a token cannot choose another.
const (
	A256GCM = "A256GCM" // of JWE, with dir
	HS256   = "HS256"   // of JWS
)

// Key is a key of a JWK set.
type Key struct {
	Kid    string `json:"kid"`
	Alg    string `json:"alg"`
	Kty    string `json:"kty"`
	K      string `json:"k"`
	Source string `json:"source,omitzero"` // of the events that it seals; they need no write key then

	secret []byte
}

// Set is a JWK set (RFC 7517) of shared keys.
type Set struct {
	Keys []Key `json:"keys"`
}

const secretSize = 32 // bytes

// NewKey makes a key up.
func NewKey(kid, alg, source string) (*Key, error) {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // it never fails
	k := &Key{Kid: kid, Alg: alg, Kty: "oct", K: base64.RawURLEncoding.EncodeToString(secret), Source: source}
	return k, k.check()
}

// ReadSet reads a file with a JWK set.
func ReadSet(file string) (*Set, error) {
	content, err := keys.ReadRegular(file)
	if err != nil {
		return nil, fmt.Errorf("seal file %s: %w", file, err)
	}
	set, err := ParseSet(content)
	if err != nil {
		return nil, fmt.Errorf("seal file %s: %w", file, err)
	}
	return set, nil
}

// ParseSet reads a JWK set. Errors name keys by their place, and show nothing of them.
func ParseSet(text []byte) (*Set, error) {
	set := new(Set)
	if err := json.Unmarshal(bytes.TrimSpace(text), set); err != nil {
		return nil, errors.New(`it is no JWK set: write {"keys": [...]}, or make it with caddy segment-pixel key`)
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("there is no key in it: make one with caddy segment-pixel key")
	}
	seen := make(map[string]bool)
	for i := range set.Keys {
		if err := set.Keys[i].check(); err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if set.Keys[i].Kid != "" && seen[set.Keys[i].Kid] {
			return nil, fmt.Errorf("key %d: its kid is that of an earlier one", i+1)
		}
		seen[set.Keys[i].Kid] = true
	}
	return set, nil
}

func (k *Key) check() error {
	secret, err := base64.RawURLEncoding.DecodeString(k.K)
	switch {
	case k.Kty != "oct":
		return errors.New(`kty must be "oct": only shared keys are known`)
	case k.Alg != A256GCM && k.Alg != HS256 && k.Alg != "dir":
		return errors.New("alg must be A256GCM, which hides and protects, or HS256, which protects")
	case err != nil:
		return errors.New("k is not base64url without padding")
	case k.Alg == HS256 && len(secret) < secretSize, k.Alg != HS256 && len(secret) != secretSize:
		return fmt.Errorf("k must be %d bytes", secretSize)
	case len(k.Kid) > 64:
		return errors.New("kid is longer than 64 bytes")
	}
	if k.Source != "" {
		if err := keys.CheckSource(k.Source); err != nil {
			return errors.New("source must be 1 to 64 letters, digits, _ and -")
		}
	}
	if k.Alg == "dir" { // the name of the other part
		k.Alg = A256GCM
	}
	k.secret = secret
	return nil
}

// find returns the keys that a token may have been made with.
func (s *Set) find(alg, kid string) []*Key {
	var found []*Key
	for i := range s.Keys {
		if k := &s.Keys[i]; k.Alg == alg && (kid == "" || k.Kid == kid) {
			found = append(found, k)
		}
	}
	return found
}
