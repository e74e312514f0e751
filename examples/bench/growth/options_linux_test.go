// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestParseOptions(t *testing.T) {
	for _, args := range [][]string{
		{"more"}, {"-rounds", "0"}, {"-duration", "10ms"}, {"-only", "("}, {"-backlog", "-1"},
	} {
		if o, err := parseOptions(args); err == nil {
			t.Errorf("%q gives %+v", args, o)
		}
	}
	o, err := parseOptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dimensions {
		if !o.only.MatchString(d.name) {
			t.Errorf("%s is not measured", d.name)
		}
	}
}
