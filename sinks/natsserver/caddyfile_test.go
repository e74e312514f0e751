// SPDX-License-Identifier: Apache-2.0

package natsserver_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsserver"
)

func TestUnmarshalCaddyfile(t *testing.T) {
	for name, test := range map[string]struct {
		input string
		want  string
	}{
		"bare":        {`segment_pixel_nats`, `{}`},
		"empty block": {"segment_pixel_nats {\n}", `{}`},
		"everything": {
			`segment_pixel_nats {
				listen      0.0.0.0:4333
				store_dir   /var/lib/caddy/nats
				max_memory  64MiB
				max_storage 2GB
				max_payload 512KiB
				token       {env.NATS_TOKEN}
			}`,
			`{"listen":"0.0.0.0:4333","store_dir":"/var/lib/caddy/nats","max_memory":67108864,` +
				`"max_storage":2000000000,"max_payload":524288,"token":"{env.NATS_TOKEN}"}`,
		},
		"placeholder to listen on": {"segment_pixel_nats {\n listen {env.LISTEN}\n}", `{"listen":"{env.LISTEN}"}`},
		"IPv6":                     {"segment_pixel_nats {\n listen [::1]:4222\n}", `{"listen":"[::1]:4222"}`},
		"any port":                 {"segment_pixel_nats {\n listen localhost:0\n}", `{"listen":"localhost:0"}`},
		"spaces in quotes":         {"segment_pixel_nats {\n store_dir \"C:/Program Data/nats\"\n}", `{"store_dir":"C:/Program Data/nats"}`},
		"largest payload":          {"segment_pixel_nats {\n max_payload 64MiB\n}", `{"max_payload":67108864}`},
	} {
		t.Run(name, func(t *testing.T) {
			var app natsserver.App
			if err := app.UnmarshalCaddyfile(caddyfile.NewTestDispenser(test.input)); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(&app)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUnmarshalCaddyfileErrors(t *testing.T) {
	for name, test := range map[string]struct {
		block string
		want  string
	}{
		"unknown option":       {"port 4222", "unrecognized option 'port': write listen,"},
		"listen missing":       {"listen", "listen has 0 arguments: write it as 'listen <host:port>'"},
		"listen surplus":       {"listen 127.0.0.1:4222 4223", "listen has 2 arguments: write it as 'listen <host:port>'"},
		"listen without port":  {"listen 127.0.0.1", "write host:port, for example 127.0.0.1:4222"},
		"listen only port":     {"listen 4222", "write host:port"},
		"listen port name":     {"listen 127.0.0.1:nats", "write host:port"},
		"listen twice":         {"listen 127.0.0.1:1\nlisten 127.0.0.1:2", "listen already specified"},
		"store_dir missing":    {"store_dir", "store_dir has 0 arguments: write it as 'store_dir <directory>'"},
		"store_dir surplus":    {"store_dir /a b", "store_dir has 2 arguments: write it as 'store_dir <directory>'"},
		"store_dir twice":      {"store_dir /a\nstore_dir /a", "store_dir already specified"},
		"max_memory missing":   {"max_memory", "max_memory has 0 arguments: write it as 'max_memory <size>'"},
		"max_memory surplus":   {"max_memory 1 MiB", "max_memory has 2 arguments"},
		"max_memory zero":      {"max_memory 0", "max_memory is '0': write a size such as 10GiB"},
		"max_memory text":      {"max_memory plenty", "max_memory is 'plenty': write a size"},
		"max_memory negative":  {"max_memory -1MiB", "max_memory is '-1MiB': write a size"},
		"max_memory too large": {"max_memory 15EiB", "max_memory is '15EiB': write a size"},
		"max_memory twice":     {"max_memory 1MiB\nmax_memory 2MiB", "max_memory already specified"},
		"max_storage text":     {"max_storage all", "such as 10GiB"},
		"max_payload large":    {"max_payload 65MiB", "from 1 to 67108864 (64 MiB)"},
		"token missing":        {"token", "token has 0 arguments: write it as 'token <token>'"},
		"token empty":          {`token ""`, "token has an empty argument"},
		"token twice":          {"token a\ntoken b", "token already specified"},
		"block":                {"listen 127.0.0.1:4222 {\n tls\n}", "listen takes no block"},
	} {
		t.Run(name, func(t *testing.T) {
			var app natsserver.App
			err := app.UnmarshalCaddyfile(caddyfile.NewTestDispenser("segment_pixel_nats {\n" + test.block + "\n}"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got error %v, want one with %q", err, test.want)
			}
			if !strings.Contains(err.Error(), "Testfile:") {
				t.Errorf("the error has no file and line: %v", err)
			}
		})
	}
}

func TestTokenIsNotInErrors(t *testing.T) {
	var app natsserver.App
	err := app.UnmarshalCaddyfile(caddyfile.NewTestDispenser("segment_pixel_nats {\n token correct horse\n}"))
	if err == nil || strings.Contains(err.Error(), "correct") || strings.Contains(err.Error(), "horse") {
		t.Errorf("got error %v, want one without the token", err)
	}
}

func TestGlobalOption(t *testing.T) {
	adapt := func(input string) (string, error) {
		out, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(input), nil)
		return string(out), err
	}

	got, err := adapt("{\n segment_pixel_nats {\n  listen 127.0.0.1:4333\n }\n}\n")
	want := `{"apps":{"segment_pixel_nats":{"listen":"127.0.0.1:4333"}}}`
	if err != nil || got != want {
		t.Errorf("adapted to %s, %v; want %s", got, err, want)
	}

	for name, test := range map[string]struct{ input, want string }{
		"twice":    {"{\n segment_pixel_nats\n segment_pixel_nats\n}\n", "is already specified: a process runs one"},
		"argument": {"{\n segment_pixel_nats 127.0.0.1:4222\n}\n", "takes its options in a block"},
		"unknown":  {"{\n segment_pixel_nats {\n  cluster x\n }\n}\n", "unrecognized option 'cluster'"},
	} {
		if _, err := adapt(test.input); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, test.want)
		}
	}
}
