// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxToken  = 64 << 10 // more than an event of 32 KiB becomes
	maxHeader = 1 << 10
)

// header holds what a token may say of itself. A name that is not here is refused: it
// could ask for compression, another token within, or what is not understood.
type header struct {
	Alg string `json:"alg"`
	Enc string `json:"enc,omitzero"`
	Kid string `json:"kid,omitzero"`
	Typ string `json:"typ,omitzero"`
	Cty string `json:"cty,omitzero"`
}

// Open returns the object in a token, without exp, and the source of the key that has
// sealed it. It is good at a time.
func (s *Set) Open(token string, now time.Time) (object []byte, source string, ok bool) {
	if len(token) > maxToken {
		return nil, "", false
	}
	head, _, _ := strings.Cut(token, ".")
	h, ok := parseHeader(head)
	if !ok {
		return nil, "", false
	}
	switch dots := strings.Count(token, "."); {
	case dots == 2 && h.Alg == HS256 && h.Enc == "":
		object, source, ok = s.verify(token, h.Kid)
	case dots == 4 && h.Alg == string(jose.DIRECT) && h.Enc == A256GCM:
		object, source, ok = s.decrypt(token, h.Kid)
	default:
		return nil, "", false
	}
	if !ok {
		return nil, "", false
	}
	object, ok = takeExpiry(object, now)
	return object, source, ok
}

// parseHeader refuses repeated names, as all of this JSON package does.
func parseHeader(part string) (h header, ok bool) {
	if len(part) > maxHeader {
		return h, false
	}
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil || json.Unmarshal(text, &h, json.RejectUnknownMembers(true)) != nil {
		return h, false
	}
	// cty says what is within; a token is not taken.
	return h, h.Cty == "" || strings.EqualFold(h.Cty, "json") || strings.EqualFold(h.Cty, "application/json")
}

func (s *Set) verify(token, kid string) ([]byte, string, bool) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return nil, "", false
	}
	for _, k := range s.find(HS256, kid) {
		if object, err := signed.Verify(k.secret); err == nil {
			return object, k.Source, true
		}
	}
	return nil, "", false
}

func (s *Set) decrypt(token, kid string) ([]byte, string, bool) {
	encrypted, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, "", false
	}
	for _, k := range s.find(A256GCM, kid) {
		if object, err := encrypted.Decrypt(k.secret); err == nil {
			return object, k.Source, true
		}
	}
	return nil, "", false
}

// Seal makes a token of an object with a key of the set: the one with that kid, or the
// first.
func (s *Set) Seal(object []byte, kid string) (string, error) {
	for i := range s.Keys {
		if k := &s.Keys[i]; kid == "" || k.Kid == kid {
			return k.seal(object)
		}
	}
	return "", fmt.Errorf("there is no key with the kid %q", kid)
}

func (k *Key) seal(object []byte) (string, error) {
	if k.Alg == HS256 {
		var options jose.SignerOptions
		if k.Kid != "" {
			options.WithHeader("kid", k.Kid) // which go-jose takes from no symmetric key
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: k.secret}, &options)
		if err != nil {
			return "", err
		}
		signed, err := signer.Sign(object)
		if err != nil {
			return "", err
		}
		return signed.CompactSerialize()
	}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: k.secret, KeyID: k.Kid}, nil)
	if err != nil {
		return "", err
	}
	encrypted, err := encrypter.Encrypt(object)
	if err != nil {
		return "", err
	}
	return encrypted.CompactSerialize()
}

// takeExpiry takes exp, in seconds of Unix time, out of an object, if it has one and that
// is to come. What is no object is left to whoever reads it.
func takeExpiry(object []byte, now time.Time) ([]byte, bool) {
	if text := string(object); !strings.Contains(text, `"exp"`) && !strings.Contains(text, `\u`) { // a name may be escaped
		return object, true
	}
	var members struct {
		Exp  jsontext.Value `json:"exp"`
		Rest jsontext.Value `json:",embed"`
	}
	if json.Unmarshal(object, &members) != nil {
		return object, true
	}
	if len(members.Exp) == 0 {
		return object, true
	}
	var seconds float64
	if members.Exp.Kind() != '0' || json.Unmarshal(members.Exp, &seconds) != nil || float64(now.Unix()) >= seconds {
		return nil, false
	}
	if members.Rest == nil {
		return []byte("{}"), true
	}
	return members.Rest, true
}
