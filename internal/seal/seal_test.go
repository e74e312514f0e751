// SPDX-License-Identifier: Apache-2.0

package seal_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
)

var now = time.Unix(1_800_000_000, 0)

const object = `{"userId":"jane@example.com","event":"Email Opened","n":[1,{"exp":1}]}`

func set(t testing.TB) *seal.Set {
	t.Helper()
	s := new(seal.Set)
	for _, k := range [][3]string{{"a", seal.A256GCM, "newsletter"}, {"b", seal.A256GCM, ""}, {"c", seal.HS256, "web"}, {"d", seal.HS256, ""}} {
		key, err := seal.NewKey(k[0], k[1], k[2])
		if err != nil {
			t.Fatal(err)
		}
		s.Keys = append(s.Keys, *key)
	}
	return s
}

func sealed(t testing.TB, s *seal.Set, object, kid string) string {
	t.Helper()
	token, err := s.Seal([]byte(object), kid)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestSeal opens what it has sealed, and reads the set back from a file's text.
func TestSeal(t *testing.T) {
	s := set(t)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	read, err := seal.ParseSet(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range s.Keys {
		got, source, ok := read.Open(sealed(t, s, object, k.Kid), now)
		if !ok || string(got) != object || source != k.Source {
			t.Errorf("%s: got %s, %q, %v", k.Kid, got, source, ok)
		}
	}
}

// TestRotation opens with old keys and new ones, and with none that is gone.
func TestRotation(t *testing.T) {
	s := set(t)
	token := sealed(t, s, object, "a")
	rotated := &seal.Set{Keys: append(set(t).Keys[1:2:2], s.Keys...)}
	if _, _, ok := rotated.Open(token, now); !ok {
		t.Error("the old key does not open")
	}
	if _, _, ok := (&seal.Set{Keys: s.Keys[1:]}).Open(token, now); ok {
		t.Error("a key that is gone opens")
	}
}

func TestExpiry(t *testing.T) {
	s := set(t)
	for object, want := range map[string]string{
		`{"a":1}`:                    `{"a":1}`,
		`{"a":1,"exp":1800000001}`:   `{"a":1}`,
		`{"exp":1800000000.5,"a":1}`: `{"a":1}`,
		`{"exp":1800000001}`:         `{}`,
		`{"exp":1800000000,"a":1}`:   "",
		`{"exp":0}`:                  "",
		`{"exp":-1}`:                 "",
		`{"exp":"1900000000"}`:       "",
		`{"exp":null}`:               "",
		`{"exp":{}}`:                 "",
	} {
		got, _, ok := s.Open(sealed(t, s, object, "a"), now)
		if ok != (want != "") || string(got) != want {
			t.Errorf("%s: got %s, %v, want %q", object, got, ok, want)
		}
	}
}

// TestForged has tokens that others would make. None is opened.
func TestForged(t *testing.T) {
	s := set(t)
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	jws, jwe := sealed(t, s, object, "c"), sealed(t, s, object, "a")
	parts := strings.Split(jws, ".")
	head := func(text string) string { return part(text) + "." + parts[1] + "." + parts[2] }
	other := sealed(t, set(t), object, "c")
	// A JWS whose key is that of a JWE.
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: decode(t, s.Keys[0].K)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	confused, _ := signer.Sign([]byte(object))
	confusedToken, _ := confused.CompactSerialize()
	// A compressed JWE.
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: decode(t, s.Keys[0].K)}, &jose.EncrypterOptions{Compression: jose.DEFLATE})
	if err != nil {
		t.Fatal(err)
	}
	compressed, _ := encrypter.Encrypt([]byte(object))
	compressedToken, _ := compressed.CompactSerialize()
	for name, token := range map[string]string{
		"empty":              "",
		"dots":               "....",
		"two parts":          parts[0] + "." + parts[1],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"none":               part(`{"alg":"none"}`) + "." + parts[1] + ".",
		"None":               part(`{"alg":"None"}`) + "." + parts[1] + ".",
		"another algorithm":  head(`{"alg":"HS512","kid":"c"}`),
		"a public key's":     head(`{"alg":"RS256","kid":"c"}`),
		"repeated alg":       head(`{"alg":"HS256","alg":"none","kid":"c"}`),
		"an unknown member":  head(`{"alg":"HS256","kid":"c","jku":"https://example.com"}`),
		"crit":               head(`{"alg":"HS256","kid":"c","crit":["b64"],"b64":false}`),
		"another kid":        head(`{"alg":"HS256","kid":"d"}`),
		"kid of a JWE":       head(`{"alg":"HS256","kid":"a"}`),
		"another payload":    parts[0] + "." + part(`{"userId":"x"}`) + "." + parts[2],
		"cut":                jws[:len(jws)-1],
		"lower-cased":        strings.ToLower(jws),
		"somebody else's":    other,
		"key confusion":      confusedToken,
		"compressed":         compressedToken,
		"JWE, changed":       jwe[:len(jwe)-2] + "AA",
		"JWE, another tag":   jwe[:strings.LastIndexByte(jwe, '.')+1] + part(strings.Repeat("x", 16)),
		"JWE as JWS":         strings.Join(strings.Split(jwe, ".")[:3], "."),
		"large header":       part(`{"alg":"HS256","kid":"`+strings.Repeat("c", 2000)+`"}`) + "." + parts[1] + "." + parts[2],
		"16 KiB":             jws + strings.Repeat("A", 16<<10),
		"a token in a token": sealedAs(t, s, jws, "JWT"),
	} {
		if got, _, ok := s.Open(token, now); ok {
			t.Errorf("%s: opened as %s", name, got)
		}
	}
}

// sealedAs seals with a cty.
func sealedAs(t *testing.T, s *seal.Set, payload, cty string) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithContentType(jose.ContentType(cty))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: decode(t, s.Keys[2].K)}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, _ := signer.Sign([]byte(payload))
	token, _ := signed.CompactSerialize()
	return token
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	secret, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestParseSet(t *testing.T) {
	k := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for text, want := range map[string]string{
		``:            "it is no JWK set",
		`[]`:          "it is no JWK set",
		`{"keys":[]}`: "there is no key",
		`{"keys":[{"kty":"RSA","alg":"HS256","k":"` + k + `"}]}`:                                                               "key 1: kty must be",
		`{"keys":[{"kty":"oct","k":"` + k + `"}]}`:                                                                             "key 1: alg must be",
		`{"keys":[{"kty":"oct","alg":"HS256","k":"short"}]}`:                                                                   "key 1: k is not base64url",
		`{"keys":[{"kty":"oct","alg":"HS256","k":"AAAA"}]}`:                                                                    "key 1: k must be 32 bytes",
		`{"keys":[{"kty":"oct","alg":"HS256","k":"` + k + `","source":"a b"}]}`:                                                "key 1: source must be",
		`{"keys":[{"kty":"oct","alg":"HS256","k":"` + k + `"},{"kty":"oct","alg":"dir","k":"` + k + `"}]}`:                     "", // a token without a kid tries both
		`{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":"` + k + `"},{"kty":"oct","kid":"a","alg":"dir","k":"` + k + `"}]}`: "key 2: its kid is that of an earlier one",
		`{"keys":[{"kty":"oct","alg":"dir","enc":"A256GCM","use":"enc","k":"` + k + `"}]}`:                                     "",
	} {
		_, err := seal.ParseSet([]byte(text))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), k)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// The largest event of all is opened, and what is larger is not an event's.
func TestLargeTokens(t *testing.T) {
	s := set(t)
	for size, want := range map[int]bool{32 << 10: true, 40 << 10: true, 80 << 10: false} {
		text := `{"a":"` + strings.Repeat("x", size) + `"}`
		for _, kid := range []string{"a", "c"} {
			if _, _, ok := s.Open(sealed(t, s, text, kid), now); ok != want {
				t.Errorf("%d bytes under the key %s: opened %t", size, kid, ok)
			}
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	s := set(b)
	for name, kid := range map[string]string{"JWE": "a", "JWS": "c"} {
		token := sealed(b, s, object, kid)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := s.Open(token, now); !ok {
					b.Fatal("it cannot be opened")
				}
			}
		})
	}
}

// FuzzOpen opens anything.
func FuzzOpen(f *testing.F) {
	s := set(f)
	f.Add(sealed(f, s, object, "a"))
	f.Add(sealed(f, s, object, "c"))
	f.Fuzz(func(t *testing.T, token string) {
		if got, _, ok := s.Open(token, now); ok && string(got) != object {
			t.Errorf("opened as %s", got)
		}
	})
}

// FuzzParseSet reads anything as a file of keys.
func FuzzParseSet(f *testing.F) {
	text, err := json.Marshal(set(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := seal.ParseSet(text); err == nil {
			sealed(t, s, object, "")
		}
	})
}
