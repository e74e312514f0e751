// SPDX-License-Identifier: Apache-2.0

package pixeltest

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// Page is the object of a page call by the write key k.
const Page = `{"writeKey":"k","userId":"u"}`

// CaddyfileAdapter adapts Caddyfiles.
func CaddyfileAdapter() caddyconfig.Adapter { return caddyconfig.GetAdapter("caddyfile") }

// SegmentSample is what Segment's documentation prints as the value of data.
const SegmentSample = "eyJ3cml0ZUtleSI6ICJZT1VSX1dSSVRFX0tFWSIsICJ1c2VySWQiOiAiMDI1cGlrYWNodTAyNSIsICJldmVudCI6ICJFbWFpbCBPcGVuZWQiLCAicHJvcGVydGllcyI6IHsgICAic3ViamVjdCI6ICJUaGUgRWxlY3RyaWMgRGFpbHkiLCAgICJlbWFpbCI6ICJwZWVrQXRNZUBlbWFpbC5wb2tlIiB9fQ"

// Parse decodes a JSON object.
func Parse(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

// Data is the data parameter of an object.
func Data(object string) string {
	return "data=" + base64.RawURLEncoding.EncodeToString([]byte(object))
}
