// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// verdict is what the validator makes of a text.
type verdict int

const (
	good verdict = iota
	left         // the JSON decoder accepts it, the validator does not try
	bad
)

// used is an object that fills all of a layout and breaks off in the middle, so that
// a scanner that has read it would show what it does not reset.
const used = `{"writeKey":"k","context":{"ip":1,"userAgent":2,"library":3,"page":{"url":4,"x":[{"y":1,"z":`

// usual is an object as a page sends it.
const usual = `{"writeKey":"k","anonymousId":"23adfd82","event":"Order Completed","sentAt":"2026-03-04T05:06:07.123Z",` +
	`"context":{"locale":"en-GB","page":{"path":"/checkout/","title":"Checkout"}},` +
	`"properties":{"currency":"EUR","total":39,"products":[{"sku":"G-32","name":"Monopoly: 3rd Edition","price":19.5}]}}`

// checkValidator compares the validator with the JSON decoder on one text, with and
// without a look at repeated names, and returns the verdict with one.
func checkValidator(t *testing.T, text []byte) verdict {
	t.Helper()
	checkOwn(t, text)
	var ours, judge Scanner
	ours.scanGood([]byte(used), true)
	accepted := ours.scanGood(text, true)
	judge.Begin(text)
	fail := judge.scanBegun(text)
	if accepted {
		compareLayouts(t, text, fail, &ours.Object, &judge.Object)
	}
	if got := ours.Scan(text); got != fail {
		t.Fatalf("%q: got %v, the decoder has %v", text, got, fail)
	}
	switch {
	case accepted:
		return good
	case fail.Found():
		return bad
	default:
		compareLayouts(t, text, fail, &ours.Object, &judge.Object)
		return left
	}
}

// checkOwn compares the two on a text whose names may be repeated.
func checkOwn(t *testing.T, text []byte) {
	t.Helper()
	var ours, judge Scanner
	ours.scanGood([]byte(used), true)
	accepted := ours.scanGood(text, false)
	judge.Begin(text, AllowRepeated...)
	fail := judge.scanBegun(text)
	switch {
	case accepted:
		compareLayouts(t, text, fail, &ours.Object, &judge.Object)
	case !fail.Found() && bytes.IndexByte(text, '\\') < 0:
		t.Fatalf("%q is not taken", text)
	}
}

func compareLayouts(t *testing.T, text []byte, fail Fault, got, want *Object) {
	t.Helper()
	if fail.Found() {
		t.Fatalf("%q is taken, the decoder has %v", text, fail)
	}
	if !slices.Equal(got.Members, want.Members) || got.Known != want.Known || got.Context != want.Context {
		t.Fatalf("%q:\ngot  %+v\nwant %+v", text, *got, *want)
	}
}

// nested returns an object that nests so many levels.
func nested(levels int, begin, end string) string {
	return `{"a":` + strings.Repeat(begin, levels-1) + "1" + strings.Repeat(end, levels-1) + "}"
}

// named returns the members of an object with so many names, and then some more.
func named(count int, more string) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, `"n%d":%d,`, i, i)
	}
	return "{" + b.String() + more + "}"
}

type validatorTest struct {
	text string
	want verdict
}

// values are tested as members, as elements and deeper in an object.
var values = []validatorTest{
	{`null`, good}, {`true`, good}, {`false`, good}, {`nul`, bad}, {`nulll`, bad}, {`True`, bad}, {`tru`, bad}, {`NaN`, bad}, {``, bad},
	{`0`, good}, {`-0`, good}, {`10`, good}, {`1.0`, good}, {`0.5`, good}, {`-0.0e-0`, good}, {`1e5`, good}, {`1e+5`, good}, {`1E-05`, good}, {`1e999`, good},
	{`01`, bad}, {`-01`, bad}, {`00`, bad}, {`1.`, bad}, {`.5`, bad}, {`-.5`, bad}, {`1e`, bad}, {`1e+`, bad}, {`1.e1`, bad}, {`-`, bad}, {`--1`, bad}, {`+1`, bad},
	{`0x1`, bad}, {`1_0`, bad}, {`1 0`, bad}, {`1.2.3`, bad}, {`1e5e5`, bad}, {`1e5.0`, bad}, {`Infinity`, bad}, {"1\x00", bad},
	{`""`, good}, {`"a`, bad}, {`a"`, bad}, {`'a'`, bad}, {`"a""b"`, bad}, {`"12345678"`, good}, {`"1234567"`, good}, {`"123456789"`, good},
	{`"\"\\\/\b\f\n\r\t"`, good}, {`"\\"`, good}, {`"\"`, bad}, {`"\\\"`, bad}, {`"\a"`, bad}, {`"\'"`, bad}, {`"\U0041"`, bad}, {`"\x41"`, bad},
	{`"\u0000"`, good}, {`"\uABCD\uabcd"`, good}, {`"\u12"`, bad}, {`"\u123g"`, bad}, {`"\u 123"`, bad}, {`"\uFFFF\uFFFE\uFFFD"`, good},
	{`"\ud83d\ude00"`, good}, {`"\uD83D\uDE00x"`, good}, {`"\uD800\uDC00\uDBFF\uDFFF"`, good}, {`"\uD7FF\uE000"`, good},
	{`"\ud83d"`, bad}, {`"\ud83d "`, bad}, {`"\ude00"`, bad}, {`"\ude00\ud83d"`, bad}, {`"\ud83d\ud83d\ude00"`, bad}, {`"\ud83d\n"`, bad},
	{`"\ud83d\u0041"`, bad}, {`"\ud83d\ude0"`, bad}, {`"\ud83d\\ude00"`, bad}, {`"\ud83dude00"`, bad}, {`"\ud83d/ude00"`, bad},
	{"\"\x00\"", bad}, {"\"\x1f\"", bad}, {"\"\t\"", bad}, {"\"\n\"", bad}, {"\" \x7f~!#[]\"", good}, {"\"1234567\x1f\"", bad}, {"\"\u0080\u2028\u2029\"", good},
	{`"ä語😀"`, good}, {`"12345678ä12345678"`, good}, {`"ä\u00e4ä"`, good}, {"\"\ufeff\ufffd\uffff\ufffe\ufdd0\U0010ffff\"", good},
	{"\"\x80\"", bad}, {"\"\xff\"", bad}, {"\"\xc3\"", bad}, {"\"\xc0\x80\"", bad}, {"\"\xc1\xbf\"", bad}, {"\"\xe0\x80\x80\"", bad}, {"\"\xe0\x9f\xbf\"", bad},
	{"\"\xf0\x80\x80\x80\"", bad}, {"\"\xf0\x8f\xbf\xbf\"", bad}, {"\"\xed\xa0\x80\"", bad}, {"\"\xed\xa0\xbd\xed\xb8\x80\"", bad}, {"\"\xf4\x90\x80\x80\"", bad},
	{"\"\xf5\x80\x80\x80\"", bad}, {"\"ä\xa4\"", bad}, {"\"\xe8\xaa\"", bad}, {"\"1234567\xff\"", bad}, {"\"12345678\xff\"", bad}, {"ä", bad}, {"\xc2\xa0", bad},
	{`[]`, good}, {`{}`, good}, {`[[],{},[{}]]`, good}, {`[1,2]`, good}, {`[1,]`, bad}, {`[,1]`, bad}, {`[1,,2]`, bad}, {`[1 2]`, bad}, {`[1}`, bad}, {`[1`, bad}, {`[`, bad}, {`]`, bad}, {`[:]`, bad},
	{`{"b":1}`, good}, {`{"b":1,}`, bad}, {`{,"b":1}`, bad}, {`{"b"}`, bad}, {`{"b":}`, bad}, {`{"b",1}`, bad}, {`{"b"::1}`, bad}, {`{"b":1:2}`, bad},
	{`{"b":1"c":2}`, bad}, {`{"b":1;"c":2}`, bad}, {`{b:1}`, bad}, {`{1:1}`, bad}, {`{null:1}`, bad}, {`{"b":1]`, bad}, {`{"b":1`, bad}, {`{`, bad}, {`}`, bad}, {`{[]:1}`, bad}, {`{{}:1}`, bad},
	{"[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n]", good}, {"{ \t\r\n\"b\" \t\r\n: \t\r\n1 \t\r\n, \t\r\n\"c\":2 \t\r\n}", good}, {"[ \t\r\n]", good}, {"{ \t\r\n}", good},
	{"[\v1]", bad}, {"[\f1]", bad}, {"[\u00a01]", bad}, {"[\u20281]", bad}, {"[\ufeff1]", bad}, {"[\x001]", bad}, {"[1\x00]", bad}, {"[\x1f1]", bad}, {"[1/**/]", bad}, {"[1//\n]", bad},
	{`{"":1}`, good}, {`{"":1,"a":2}`, good}, {`{"":1,"":2}`, bad}, {`{"a":1,"a":2}`, bad}, {`{"a":1,"b":2,"a":3}`, bad}, {`{"a":1,"A":2}`, good}, {`{"a":1,"aa":2,"aaa":3,"a ":4}`, good},
	{`{"axb":1,"ayb":2}`, good}, {`{"axb":1,"ayb":2,"axb":3}`, bad}, {`{"ä":1,"ä":2}`, bad}, {"{\"\u00e4\":1,\"a\u0308\":2}", good}, {"{\"\xff\":1}", bad}, {"{\"\x1f\":1}", bad},
	{`{"\u0061":1}`, left}, {`{"\u0061":1,"a":2}`, bad}, {`{"a":1,"\u0061":2}`, bad}, {`{"\/":1,"/":2}`, bad}, {`{"\n":1,"\u000a":2}`, bad}, {`{"\ud83d\ude00":1,"😀":2}`, bad}, {`{"\ud83d":1}`, bad}, {`{"\a":1}`, bad},
	{`{"a":{"a":{"a":1}}}`, good}, {`{"a":{"b":1},"b":{"b":1}}`, good}, {`{"a":{"b":1,"b":2}}`, bad}, {`[{"b":1},{"b":1}]`, good}, {`[{"b":1},{"b":1,"b":2}]`, bad},
	{`{"axb":1,"c":{"ayb":1},"ayb":1}`, good}, {`{"axb":1,"c":{"ayb":1,"axb":1}}`, good}, {`{"axb":1,"c":{"ayb":1},"ayb":1,"axb":1}`, bad},
	{`{"a":{"b":1},"c":{"d":1},"a":2}`, bad}, {`{"a":[{"b":{"c":1}}],"b":2,"c":3}`, good},
}

// TestValidator holds the validator against the JSON decoder where the two might
// differ.
func TestValidator(t *testing.T) {
	tests := []validatorTest{
		{``, bad}, {` `, bad}, {`{}`, good}, {"\t\r\n {} \t\r\n", good}, {"\ufeff{}", bad}, {"\x00{}", bad}, {"{}\x00", bad}, {`{}}`, bad}, {`{}{}`, bad}, {`{},`, bad}, {`{}]`, bad}, {`{}1`, bad}, {`,{}`, bad}, {`:{}`, bad},
		{`[]`, bad}, {`1`, bad}, {`"a"`, bad}, {`null`, bad}, {`{"a":1`, bad}, {`{"a":1}/`, bad}, {"{}\ufeff", bad}, {"{}\xff", bad},
	}
	for _, count := range []int{15, 16, 17, 63, 64, 65, 1000} {
		many := left
		if count+1 <= maxNames {
			many = good
		}
		for _, place := range []string{"%s", `{"a":%s}`, `{"a":[%s]}`, `{"context":{"page":%s}}`} {
			in := func(object string) string { return fmt.Sprintf(place, object) }
			tests = append(tests, validatorTest{in(named(count, `"x":1`)), many},
				validatorTest{in(named(count, `"n0":1`)), bad}, validatorTest{in(named(count, fmt.Sprintf(`"n%d":1`, count-1))), bad},
				validatorTest{in(named(count, `"x":{"n0":1,"y":2,"y":3}`)), bad})
		}
	}
	// Only an object's own names count.
	tests = append(tests, validatorTest{named(40, `"x":`+named(40, `"x":`+named(40, `"x":1`))), good},
		validatorTest{fmt.Sprintf(`{"a":[%[1]s,%[1]s],"b":%[1]s,"n1":1,"c":%[1]s}`, named(40, `"x":1`)), good})
	for _, brackets := range [][2]string{{"[", "]"}, {`{"a":`, "}"}, {`[{"context":`, "}]"}} {
		levels := 1 + strings.Count(brackets[0], "{")*strings.Count(brackets[0], "[")
		for n := 60; n <= 66; n++ {
			want := good
			if 1+(n-1)*levels > MaxDepth {
				want = bad
			}
			tests = append(tests, validatorTest{nested(n, brackets[0], brackets[1]), want})
		}
		tests = append(tests, validatorTest{nested(MaxDepth/levels, brackets[0], brackets[1]), good},
			validatorTest{nested(20_000, brackets[0], brackets[1]), bad}, validatorTest{nested(64, brackets[0], ""), bad})
	}
	for _, value := range values {
		for _, place := range []string{`{"a":%s}`, `{"a":[%s]}`, `{"a":{"b":[{"c":%s}]},"d":1}`, `{"context":%s}`, `{"context":{"page":%s,"ip":1}}`, `{"context":{"page":{"url":%s}}}`} {
			text := fmt.Sprintf(place, value.text)
			if value.text == "" && strings.Contains(place, "[%s]") {
				continue // an empty array is fine
			}
			tests = append(tests, validatorTest{text, value.want})
		}
	}
	for _, test := range tests {
		if got := checkValidator(t, []byte(test.text)); got != test.want {
			t.Errorf("%.200q: got verdict %d, want %d", test.text, got, test.want)
		}
	}
}

// TestValidatorEveryByte puts every byte, and every code unit around the surrogates,
// where one class of bytes borders on another.
func TestValidatorEveryByte(t *testing.T) {
	check := func(format string, arguments ...any) {
		t.Helper()
		if text := fmt.Sprintf(format, arguments...); checkValidator(t, []byte(text)) == left {
			t.Errorf("%q is not taken", text)
		}
	}
	for b := range 256 {
		c := string([]byte{byte(b)})
		for i := range 10 {
			check(`{"a":"%s%s%s"}`, "123456789"[:i], c, "123456789"[i:])
			check(`{"a":"%s%s"}`, "123456789"[:i], c)
			check(`{"a":"%s%s"}`, "\xc3\xe8\xaa\x9e\xf0\x9f\x98\x80\xed"[:i], c)
		}
		for i := range 4 {
			check(`{"a":"\u%s%s%s"}`, "00e9"[:i], c, "00e9"[i+1:])
		}
		for _, format := range []string{
			`{"a":"\%s"}`, `{"a":%s}`, `{"a":1%s}`, `{"a":-%s}`, `{"a":0%s}`, `{"a":1.%s}`, `{"a":1.2%s}`, `{"a":1e%s}`, `{"a":1e+%s}`, `{"a":1e1%s}`, `{"a":tru%s}`, `{"a":null%s}`,
			`{"a"%s:1}`, `{"a"%s1}`, `{"a":1%s"b":1}`, `{"a":1,%s"b":1}`, `{%s"a":1}`, `{%s}`, `%s{}`, `{}%s`, `{"a":[%s]}`, `{"a":[1%s2]}`, `{"a":[1%s}`,
		} {
			check(format, c)
		}
	}
	for unit := 0xd700; unit < 0xe100; unit++ {
		check(`{"a":"\u%04x"}`, unit)
		check(`{"a":"\u%04X\udc00"}`, unit)
		check(`{"a":"\ud800\u%04x"}`, unit)
	}
}

// pieces are what the objects of validatorSeeds are mangled with.
var pieces = []string{
	`{`, `}`, `[`, `]`, `:`, `,`, `"`, `\`, ` `, "\n", "\x00", "\x1f", `0`, `-`, `.`, `e`, `+`, `null`, `true`, `"a"`, `"a":1,`, `{"a":1}`,
	`\u0061`, `\ud83d`, `\ude00`, `\n`, "ä", "\xe4", "\xed\xa0\x80", `"context":{`, `"page":{`, `"url":1`, `"ip":null,`, `[[[[[[[[`, `]]]]]]]]`,
}

var validatorSeeds = []string{
	usual, used, `{}`, "\t{ \"a\" : [ 1 , -2.5e+3 , true,false,null ] }\n", `{"\u0061":"\ud83d\ude00\n","ä":"語😀"}`,
	`{"context":{"ip":"1","userAgent":"u","library":{},"page":{"url":"x","title":"t"}},"messageId":"m","type":1}`,
	`{"context":{"page":"p"},"a":{"context":{"page":{}}},"context.ip":1}`, `{"context":{},"userId":7,"":[[],{},[{}]]}`,
	named(70, `"n1":1`), nested(64, "[", "]"), nested(64, `{"a":`, "}"), `{"a":1,"b":2,"a":3}`, `{"a":01}`, "{\"a\":\"\xff\"}", `[1]`, `{"a":"`,
}

// TestValidatorMangled compares the validator with the JSON decoder on objects in
// which a few bytes are wrong.
func TestValidatorMangled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var verdicts [bad + 1]int
	for range 20_000 {
		text := []byte(validatorSeeds[random.IntN(len(validatorSeeds))])
		for range 1 + random.IntN(8)/6 {
			start := random.IntN(len(text) + 1)
			end := min(start+random.IntN(4), len(text))
			piece := pieces[random.IntN(len(pieces))]
			if random.IntN(4) == 0 {
				from := random.IntN(len(text) + 1)
				piece = string(text[from:min(from+random.IntN(12), len(text))])
			}
			text = slices.Replace(text, start, end, []byte(piece)...)
		}
		verdicts[checkValidator(t, text)]++
	}
	t.Logf("%d good, %d left to the decoder, %d bad", verdicts[good], verdicts[left], verdicts[bad])
}

// FuzzValidator compares the validator with the JSON decoder on any text. Where the
// decoder accepts one, the validator has to as well, unless it has escapes or many
// names.
func FuzzValidator(f *testing.F) {
	for _, seed := range validatorSeeds {
		f.Add([]byte(seed))
	}
	for _, value := range values {
		f.Add([]byte(`{"a":` + value.text + `,"b":[` + value.text + `]}`))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := checkValidator(t, text)
		if got == left && bytes.IndexByte(text, '\\') < 0 && bytes.Count(text, []byte(":")) <= maxNames {
			t.Errorf("%q is not taken", text)
		}
	})
}
