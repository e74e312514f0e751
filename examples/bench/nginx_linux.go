// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
	"github.com/segmentpixel/caddy-segment-pixel/internal/harness"
)

// nginxVariant is an nginx that takes part.
type nginxVariant struct {
	name     string
	dir      string
	modules  []string // which have to be loaded
	http     string   // what the http block has beside the server
	location string   // how a pixel is answered
}

var nginxVariants = []nginxVariant{
	{name: "nginx empty_gif", dir: "nginx", location: "empty_gif;"},
	{
		name: "nginx Lua", dir: "nginx_lua",
		modules: []string{"ndk_http_module.so", "ngx_http_lua_module.so"},
		http: `init_by_lua_block {
		json = require("cjson.safe")
		base64 = require("ngx.base64")
		gif = ngx.decode_base64("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
	}`,
		location: `content_by_lua_block {
				local data = base64.decode_base64url(ngx.var.arg_data or "")
				local event = data and json.decode(data)
				if not event or event.writeKey ~= "` + rig.WriteKey + `" then
					return ngx.exit(ngx.HTTP_BAD_REQUEST)
				end
				ngx.header["Content-Type"] = "image/gif"
				ngx.header["Content-Length"] = #gif
				ngx.header["Cache-Control"] = "no-cache, no-store, must-revalidate, max-age=0, private"
				ngx.header["Cross-Origin-Resource-Policy"] = "cross-origin"
				ngx.header["Access-Control-Allow-Origin"] = "*"
				ngx.print(gif)
			}`,
	},
}

// nginxConfig is the configuration, in the order of the arguments: modules, what
// the http block has in addition, addresses, certificate, key and location. The
// paths of temporary files are relative to its directory.
const nginxConfig = `%s
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {
	worker_connections 4096;
}
http {
	access_log off;
	keepalive_requests 1000000000;
	large_client_header_buffers 8 64k;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	%s
	server {
		listen %s;
		listen %s ssl http2;
		ssl_protocols TLSv1.3;
		ssl_certificate %s;
		ssl_certificate_key %s;
		location /v1/pixel/ {
			%s
		}
	}
}
`

// startNginx starts the variant.
func (b *bench) startNginx(ctx context.Context, v nginxVariant) (*contender, error) {
	binary, err := findNginx()
	if err != nil {
		return nil, err
	}
	modules, err := loadModules(ctx, binary, v.modules)
	if err != nil {
		return nil, err
	}
	http, err := harness.FreeAddress()
	if err != nil {
		return nil, err
	}
	https, err := harness.FreeAddress()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.Dir, v.dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(nginxConfig, modules, v.http, http, https, b.cert.Cert, b.cert.Key, v.location)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	process, err := rig.Start(rig.Command{
		Name: v.name, Path: binary, Dir: dir, CPU: b.Measured,
		Args: []string{"-p", dir + "/", "-e", "stderr", "-c", file},
	})
	if err != nil {
		return nil, err
	}
	if err := process.AwaitAnswer(ctx, "http://"+http, ""); err != nil {
		return nil, errors.Join(err, process.Kill())
	}
	return newContender(v.name, process, map[protocol]string{plain: "http://" + http, secure: "https://" + https}), nil
}

// findNginx looks where the system keeps it, too: that is often not in the PATH of
// a user.
func findNginx() (string, error) {
	if binary, err := exec.LookPath("nginx"); err == nil {
		return binary, nil
	}
	return exec.LookPath("/usr/sbin/nginx")
}

var modulesPath = regexp.MustCompile(`--modules-path=(\S+)`)

// loadModules returns the lines that load the modules.
func loadModules(ctx context.Context, binary string, names []string) (string, error) {
	output, err := exec.CommandContext(ctx, binary, "-V").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s -V: %w", binary, err)
	}
	folder := modulesPath.FindSubmatch(output)
	var lines strings.Builder
	for _, name := range names {
		if folder == nil {
			return "", fmt.Errorf("%s does not tell where its modules are", binary)
		}
		file := filepath.Join(string(folder[1]), name)
		if _, err := os.Stat(file); err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "load_module %s;\n", file)
	}
	return lines.String(), nil
}
