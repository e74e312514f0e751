// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/internal/harness"
)

// CaddyConfig says how a Caddy is to run.
type CaddyConfig struct {
	Name   string // in errors; "caddy" if it is empty
	Binary string
	Dir    string // is made
	CPU    int
	Cert   Certificate // empty for no HTTPS
	Site   string      // what the site does, in the syntax of the Caddyfile
	Hosts  []string    // names for a site each, which all do the same, over plain HTTP; none for one site with any name
	Ready  string      // path that is asked for, of the first of Hosts, to see whether it answers; empty for the root
	Admin  bool        // whether the admin API is on, with its profiles and metrics
}

// Caddy is one that runs. Its site can be had over plain HTTP and, if there is a
// certificate, over HTTPS, with HTTP/1.1 and HTTP/2 each.
type Caddy struct {
	*Process
	HTTP  string // URL, without a path
	HTTPS string // URL, without a path, or empty
	Admin string // URL of the admin API, or empty

	Startup time.Duration // from the start of the process to the first answer
}

// StartCaddy starts Caddy and waits until it answers.
func StartCaddy(ctx context.Context, c CaddyConfig) (*Caddy, error) {
	if c.Name == "" {
		c.Name = "caddy"
	}
	caddy, text, err := c.caddyfile()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(c.Dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	begin := time.Now()
	caddy.Process, err = Start(Command{
		Name: c.Name, Path: c.Binary, Dir: c.Dir, CPU: c.CPU,
		Args: []string{"run", "--config", file, "--adapter", "caddyfile"},
	})
	if err != nil {
		return nil, err
	}
	host := ""
	if len(c.Hosts) > 0 {
		host = c.Hosts[0]
	}
	if err := caddy.AwaitAnswer(ctx, caddy.HTTP+c.Ready, host); err != nil {
		return nil, errors.Join(err, caddy.Kill())
	}
	caddy.Startup = time.Since(begin)
	return caddy, nil
}

// caddyfile returns where Caddy is going to be, and its Caddyfile. HTTP/3 is off,
// as nothing here loads it, and it would announce itself in every answer. Caddy
// answers 431 to a payload of some 14 KB unless larger headers are allowed.
func (c CaddyConfig) caddyfile() (*Caddy, string, error) {
	caddy := &Caddy{}
	admin := "off"
	if c.Admin {
		address, err := harness.FreeAddress()
		if err != nil {
			return nil, "", err
		}
		caddy.Admin, admin = "http://"+address, address
	}
	plain, err := harness.FreeAddress()
	if err != nil {
		return nil, "", err
	}
	caddy.HTTP = "http://" + plain
	text := fmt.Sprintf(`{
	admin %s
	persist_config off
	storage file_system %s
	auto_https off
	skip_install_trust
	default_bind 127.0.0.1
	log default {
		output stderr
		level WARN
	}
	servers {
		protocols h1 h2
		max_header_size 64KiB
	}
}

(site) {
	%s
}
%s`, admin, filepath.Join(c.Dir, "storage"), c.Site, c.sites(caddy.HTTP))
	if c.Cert.Cert == "" {
		return caddy, text, nil
	}
	secure, err := harness.FreeAddress()
	if err != nil {
		return nil, "", err
	}
	caddy.HTTPS = "https://" + secure
	text += fmt.Sprintf("\n%s {\n\ttls %s %s\n\timport site\n}\n", caddy.HTTPS, c.Cert.Cert, c.Cert.Key)
	return caddy, text, nil
}

// sites are those over plain HTTP, of which the URL is one without a name.
func (c CaddyConfig) sites(base string) string {
	const site = "\n%s {\n\timport site\n}\n"
	if len(c.Hosts) == 0 {
		return fmt.Sprintf(site, base)
	}
	var text strings.Builder
	port := base[strings.LastIndexByte(base, ':'):]
	for _, host := range c.Hosts {
		fmt.Fprintf(&text, site, "http://"+host+port)
	}
	return text.String()
}

// AwaitAnswer waits until a URL of the process is answered, with whatever status. Unless
// it is empty, the request asks for that host. If there is no answer, the error has the
// end of the log.
func (p *Process) AwaitAnswer(ctx context.Context, url, host string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}
	err := awaitReady(ctx, func(ctx context.Context) error {
		select {
		case <-p.ended:
			return nil
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Host = host
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
	select {
	case <-p.ended:
		return p.failure("has ended at its start")
	default:
	}
	if err != nil {
		return errors.Join(err, p.failure("does not answer"))
	}
	return nil
}
