// SPDX-License-Identifier: Apache-2.0

package clock_test

import (
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/clock"
)

func TestParse(t *testing.T) {
	const second = "2023-11-14T22:13:20.000Z"
	for text, want := range map[string]string{
		"2023-11-14T22:13:20Z":                  second,
		"2023-11-14t22:13:20z":                  second,
		"2023-11-14T22:13:20.000000+00:00":      second,
		"2023-11-14T23:13:20+0100":              second,
		"2023-11-14T23:13:20+01":                second,
		"2023-11-14 22:13:20":                   second,
		"2023-11-14 22:13:20 UTC":               second,
		"2023-11-14 17:13:20 -0500":             second,
		"2023-11-14T22:13:20":                   second,
		"20231114T221320Z":                      second,
		"2023-11-14T22:13Z":                     "2023-11-14T22:13:00.000Z",
		"2023-11-14":                            "2023-11-14T00:00:00.000Z",
		"1700000000":                            second,
		"1700000000000":                         second,
		" 1700000000 ":                          second,
		"1700000000.5":                          "2023-11-14T22:13:20.500Z",
		"1700000000.123":                        "2023-11-14T22:13:20.123Z",
		"1700000000123.9":                       "2023-11-14T22:13:20.123Z",
		"1.7e9":                                 second,
		"0":                                     "1970-01-01T00:00:00.000Z",
		"-1":                                    "1969-12-31T23:59:59.000Z",
		"Tue, 14 Nov 2023 22:13:20 GMT":         second,
		"Tue, 14 Nov 2023 22:13:20 +0000":       second,
		"Tue, 14 Nov 2023 17:13:20 EST":         second,
		"14 Nov 2023 22:13:20 +0000":            second,
		"Tue, 14 Nov 2023 23:13:20 +0100 (CET)": second,
		"Tue, 7 Nov 2023 22:13 GMT":             "2023-11-07T22:13:00.000Z",
		"Tue Nov 14 2023 22:13:20 GMT+0000 (Coordinated Universal Time)":   second,
		"Tue Nov 14 2023 23:13:20 GMT+0100 (Mitteleuropäische Normalzeit)": second,
		"Tue Nov 14 2023 22:13:20 GMT+0000":                                second,

		"": "", "yesterday": "", "null": "", "2023": "1970-01-01T00:33:43.000Z", "2023-13-01": "", "2023-02-30T00:00:00Z": "",
		"Tue, 14 Nov 2023 22:13:20": "", "Tue, 14 Nov 2023 22:13:20 CET": "", "14/11/2023": "", "11/14/2023 22:13:20": "",
		"1e300": "", "99999999999999999": "", "0x10": "", "NaN": "", "Infinity": "", "1-2": "", "{{now}}": "",
	} {
		got, ok := clock.Parse([]byte(text))
		if ok != (want != "") || ok && got.Format("2006-01-02T15:04:05.000Z07:00") != want {
			t.Errorf("%q is %v, %v, want %q", text, got, ok, want)
		}
		if ok && got.Location() != time.UTC {
			t.Errorf("%q is not in UTC", text)
		}
	}
}
