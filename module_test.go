// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestPanicOfOurOwn has the decoder panic, by a handler that was never provisioned
// and so knows no sources: the pixel is answered, and the log says what happened
// without the payload.
func TestPanicOfOurOwn(t *testing.T) {
	core, logs := zapobserver.New(zap.DebugLevel)
	h := &Handler{prefixes: prefixes{handlers.DefaultPathPrefix}, logger: zap.New(core)}
	request := httptest.NewRequest(http.MethodGet, "/v1/pixel/page?writeKey=SECRET&userId=u", http.NoBody)
	response := httptest.NewRecorder()
	next := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		t.Error("the request went on to the next handler")
		return nil
	})
	if err := h.ServeHTTP(response, request, next); err != nil {
		t.Fatal(err)
	}
	if response.Code != http.StatusOK || response.Body.String() != pixel.GIF {
		t.Errorf("got %d with %d bytes", response.Code, response.Body.Len())
	}
	lines := logs.FilterLevelExact(zap.ErrorLevel).All()
	if len(lines) != 1 || !strings.Contains(lines[0].Message, "panic while taking an event") {
		t.Fatalf("logged %v", lines)
	}
	for name, value := range lines[0].ContextMap() {
		if text, ok := value.(string); !ok || strings.Contains(text, "SECRET") {
			t.Errorf("%s is %v", name, value)
		}
	}
}
