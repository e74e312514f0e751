// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/segmentpixel/caddy-segment-pixel/internal/natstest"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// moduleContext returns a context to provision modules in, which are cleaned up at
// the end of the test.
func moduleContext(t *testing.T) caddy.Context {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	return ctx
}

// loadSink provisions a sink from its JSON as Caddy does.
func loadSink(t *testing.T, name, config string) Sink {
	t.Helper()
	module, err := moduleContext(t).LoadModuleByID(Namespace+"."+name, json.RawMessage(config))
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	return module.(Sink)
}

// logTo has a log sink write JSON to a buffer, from one level on.
func logTo(l *Log, level zapcore.Level) *bytes.Buffer {
	var buffer bytes.Buffer
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder})
	l.logger = zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&buffer), level))
	return &buffer
}

func TestLog(t *testing.T) {
	for _, test := range []struct {
		config, want string
		level        zapcore.Level // of the logger
	}{
		{`{}`, "info", zapcore.DebugLevel},
		{`{"level":"debug"}`, "debug", zapcore.DebugLevel},
		{`{"level":"info"}`, "info", zapcore.InfoLevel},
		{`{"level":"warn"}`, "warn", zapcore.InfoLevel},
		{`{"level":"error"}`, "error", zapcore.ErrorLevel},
		{`{"level":"debug"}`, "", zapcore.InfoLevel},
		{`{}`, "", zapcore.WarnLevel},
		{`{"level":"warn"}`, "", zapcore.ErrorLevel},
	} {
		t.Run(test.config+" at "+test.level.String(), func(t *testing.T) {
			l := loadSink(t, "log", test.config).(*Log)
			buffer := logTo(l, test.level)
			event := newEvent("id-1")
			if err := l.Publish(context.Background(), event); err != nil {
				t.Fatal(err)
			}
			clear(event.Body) // its memory is used again
			if test.want == "" {
				if buffer.Len() > 0 {
					t.Errorf("logged %s below the level", buffer)
				}
				return
			}
			var got map[string]any
			if err := json.Unmarshal(buffer.Bytes(), &got); err != nil {
				t.Fatalf("%v in %s", err, buffer)
			}
			want := map[string]any{
				"level": test.want, "msg": "event", "source": "web", "type": "track",
				"event": map[string]any{"messageId": "id-1", "event": "Opened"},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("logged %v, want %v", got, want)
			}
		})
	}
}

func TestLogLevelErrors(t *testing.T) {
	for _, config := range []string{`{"level":"fatal"}`, `{"level":"INFO"}`, `{"level":"dpanic"}`, `{"level":" "}`} {
		_, err := moduleContext(t).LoadModuleByID(Namespace+".log", json.RawMessage(config))
		natstest.WantError(t, err, "write debug, info, warn or error")
	}
}

// TestLogIsJSON makes sure that whatever the decoder accepts stays one line.
func TestLogIsJSON(t *testing.T) {
	l := loadSink(t, "log", `{}`).(*Log)
	buffer := logTo(l, zapcore.DebugLevel)
	event := &pixel.Event{Type: pixel.Page, Source: "web", Body: []byte("{\n\t\"a\" : \"<b>\\u2028\" ,\r\n\"n\": 1.0 }")}
	if err := l.Publish(context.Background(), event); err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(buffer.Bytes(), []byte("\n")); lines != 1 || !json.Valid(buffer.Bytes()) {
		t.Errorf("logged %q", buffer)
	}
}
