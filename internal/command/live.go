// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
)

// NewLive makes the verb live.
func NewLive() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "live [--address <interface>] [--config <path> [--adapter <name>]] [--listen <address>]",
		Short: "Serves the live page of a running Caddy to a browser on this machine",
		Long: `
Serves the live page, which shows requests as they come and how sinks and spools
are, at an address that it prints. It ends with Ctrl-C.

The page is also at /segment_pixel/ on Caddy's admin endpoint. But that refuses a
browser's request that comes from no page of its own, and so an address that is
typed in. This command passes on what is below /segment_pixel/ and nothing else: the
rest of the admin endpoint cannot be reached through it.

The address is that of the admin endpoint; by default the one in the configuration,
if --config names one, and else localhost:2019.

Exit status: 0 when it was ended; 1 if it could not be run.`,
		Args: cobra.NoArgs,
	}
	adminapi.AddFlags(cmd)
	cmd.Flags().StringP("listen", "l", "127.0.0.1:2020", "The address to serve the page at")
	cmd.RunE = cli.Run(runLive)
	return cmd
}

func runLive(cmd *cobra.Command, _ []string) (int, error) {
	admin, err := adminapi.Address(cmd)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	listen, _ := cmd.Flags().GetString("listen") // It is defined above.
	ctx, stop := cli.Interruptible(cmd)
	defer stop()
	err = servePageLocally(ctx, admin, listen, func(url string) {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "The live page is at %s\n", url)
	})
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return caddy.ExitCodeSuccess, nil
}

// servePageLocally serves until the context ends.
func servePageLocally(ctx context.Context, admin, listen string, ready func(url string)) error {
	// Asking first tells at once what would otherwise be seen in the browser.
	response, err := caddycmd.AdminAPIRequest(admin, http.MethodGet, adminapi.Path+"health/live", nil, nil)
	if err != nil {
		return adminapi.Explain(err)
	}
	_ = response.Body.Close()
	proxy, err := newPageProxy(admin)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	if address, ok := listener.Addr().(*net.TCPAddr); !ok || !address.IP.IsLoopback() {
		_ = listener.Close()
		return fmt.Errorf("--listen is %s: write an address of this machine alone, such as 127.0.0.1:2020, as the page shows payloads", listen)
	}
	host := listener.Addr().String()
	server := &http.Server{
		Handler:           guardPage(host, proxy),
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	ready("http://" + host + adminapi.Path)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newPageProxy passes requests on to the admin endpoint.
func newPageProxy(admin string) (http.Handler, error) {
	address, err := caddy.ParseNetworkAddress(admin)
	if err != nil || address.PortRangeSize() > 1 {
		return nil, fmt.Errorf("%s is no address of an admin endpoint: write one such as localhost:2019", admin)
	}
	host := "127.0.0.1"
	if !address.IsUnixNetwork() {
		host = address.JoinHostPort(0)
	}
	dialer := new(net.Dialer)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", host, host
			// guardPage has looked at where the request comes from.
			for name := range r.Out.Header {
				if strings.HasPrefix(name, "Sec-Fetch-") {
					r.Out.Header.Del(name)
				}
			}
			r.Out.Header.Del("Origin")
			r.Out.Header.Del("Referer")
		},
		FlushInterval: -1,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, address.Network, address.JoinHostPort(0))
			},
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "Caddy does not answer: "+err.Error(), http.StatusBadGateway)
		},
	}, nil
}

// guardPage keeps other sites from reaching the admin endpoint by way of a browser
// here: the host must be ours, against names that lead to this machine, and a request
// that sends anything must come from our page.
func guardPage(host string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(host)
		site := r.Header.Get("Sec-Fetch-Site")
		switch {
		case !strings.EqualFold(r.Host, host) && !strings.EqualFold(r.Host, net.JoinHostPort("localhost", port)):
			http.Error(w, "this host is not served here", http.StatusForbidden)
		case site != "" && site != "same-origin" && site != "none",
			r.Header.Get("Origin") != "" && r.Header.Get("Origin") != "http://"+r.Host,
			r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get("Origin") == "":
			http.Error(w, "only the page itself may ask this", http.StatusForbidden)
		case r.URL.Path == "/":
			http.Redirect(w, r, adminapi.Path, http.StatusFound)
		case !strings.HasPrefix(r.URL.Path, adminapi.Path) || strings.Contains(r.URL.Path, ".."):
			http.NotFound(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
