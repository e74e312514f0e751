// SPDX-License-Identifier: Apache-2.0

package encoding

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// FuzzQuery splits queries into pairs. Nothing may be lost or invented, and
// where the query is well-formed the standard library has to agree.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a;b=1", "%zz=%", "&&=&", "a=b=c&amp;d=%20+", "data=ey+J"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		var pairs []string
		want := url.Values{}
		for rest := query; rest != ""; {
			var name, value string
			before := rest
			name, value, rest = NextPair(rest)
			if !strings.HasPrefix(before, name) {
				t.Fatalf("%q does not begin with %q", before, name)
			}
			pairs = append(pairs, name+value)
			want.Add(string(AppendUnescaped(nil, name)), string(AppendUnescaped(nil, value)))
		}
		drop := strings.NewReplacer("&", "", "=", "")
		if got := drop.Replace(strings.Join(pairs, "")); got != drop.Replace(query) {
			t.Errorf("the pairs of %q are %q", query, pairs)
		}
		standard, err := url.ParseQuery(query)
		// A nameless pair is no field, and the standard library drops some of them.
		want.Del("")
		standard.Del("")
		if err == nil && standard.Encode() != want.Encode() {
			t.Errorf("%q: got %v, the standard library has %v", query, want, standard)
		}
	})
}

// FuzzBase64 compares the decoder with the standard library's on what both take,
// and checks that everything else is refused or read as one of its readings.
func FuzzBase64(f *testing.F) {
	for _, seed := range []string{"", "eyJ9", "eyJ9=", "e-_/+w==", "A", "AB", "ABC", "AB CD", "A=B", "=3D", "3De3D", "\xff+\r\n "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, at, end := AppendBase64(nil, text)
		if at < 0 || at > len(text) || len(got) > len(text) {
			t.Fatalf("at %d, %d bytes of %d digits", at, len(got), len(text))
		}
		standard := strings.NewReplacer("-", "+", "_", "/").Replace(string(bytes.TrimRight(text, "=")))
		want, err := base64.RawStdEncoding.DecodeString(standard)
		// The standard library skips line breaks where this function reports them;
		// appendDigits has dropped them before.
		if strings.ContainsAny(standard, "\r\n") {
			err = base64.CorruptInputError(0)
		}
		if (err == nil) != (end == Whole) {
			t.Fatalf("%q: %v, the standard library has %v", text, end, err)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		for _, as := range Readings {
			if cleaned := AppendDigits(nil, text, as); len(cleaned) > len(text) || bytes.ContainsAny(cleaned, " \t\r\n") || bytes.IndexByte(cleaned, LostPlus) >= 0 {
				t.Errorf("%q: reading %+v is %q", text, as, cleaned)
			}
		}
	})
}
