// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]sizes{"300-700": {300, 700}, "16384": {16384, 16384}} {
		var s sizes
		if err := s.Set(text); err != nil || s != want || s.String() != text {
			t.Errorf("%s became %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "many", "300-", "300-many"} {
		if err := new(sizes).Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestForeigners(t *testing.T) {
	var f foreigners
	for _, text := range []string{"one=http://127.0.0.1:8080,12", "two=https://127.0.0.1:8443/,13"} {
		if err := f.Set(text); err != nil {
			t.Error(err)
		}
	}
	want := foreigners{{"one", "http://127.0.0.1:8080", 12}, {"two", "https://127.0.0.1:8443", 13}}
	if !slices.Equal(f, want) {
		t.Errorf("%v", f)
	}
	for _, text := range []string{
		"http://127.0.0.1:8080,12", "=http://127.0.0.1:8080,12", "one=http://127.0.0.1:8080", "one=127.0.0.1:8080,12",
		"one=ftp://127.0.0.1:8080,12", "one=http://127.0.0.1:8080/x,12", "one=http://127.0.0.1:8080,self",
	} {
		if err := new(foreigners).Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestParseOptions(t *testing.T) {
	for _, args := range [][]string{
		{"more"}, {"-rounds", "0"}, {"-duration", "10ms"}, {"-only", "("}, {"-rate", "-1"}, {"-connections", "0"}, {"-warmup", "0"},
	} {
		if o, err := parseOptions(args); err == nil {
			t.Errorf("%q gives %+v", args, o)
		}
	}
	if _, err := parseOptions(nil); err != nil {
		t.Error(err)
	}
}
