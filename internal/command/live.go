// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
	"github.com/segmentpixel/caddy-segment-pixel/internal/command/cli"
)

// NewLive makes the verb live.
func NewLive() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "live [--address <interface>] [--config <path> [--adapter <name>]] [--listen <address>] [--allow-remote]",
		Short: "Serves the live page of a running Caddy to a browser on this machine",
		Long: `
Serves the live page, which shows requests as they come and how sinks and spools
are, at an address that it prints. It ends with Ctrl-C.

The page is also at /segment_pixel/ on Caddy's admin endpoint. But that refuses a
browser's request that comes from no page of its own, and so an address that is
typed in. This command passes on what is below /segment_pixel/ and nothing else: the
rest of the admin endpoint cannot be reached through it.

It listens on an address of this machine alone. To look from another one, lead a port
there through ssh: ssh -L 2020:127.0.0.1:2020 SERVER. Where that cannot be done, such
as in a container, --allow-remote lets it listen anywhere, for whoever has the token in
the URL that it prints. There is such a token as well in front of an admin endpoint at a
unix socket, since not all users of this machine may use that.

The address is that of the admin endpoint; by default the one in the configuration,
if --config names one, and else localhost:2019.

Exit status: 0 when it was ended; 1 if it could not be run.`,
		Args: cobra.NoArgs,
	}
	adminapi.AddFlags(cmd)
	cmd.Flags().StringP("listen", "l", "127.0.0.1:2020", "The address to serve the page at")
	cmd.Flags().Bool("allow-remote", false, "Let other machines see the page, with the token in its URL")
	cmd.RunE = cli.Run(runLive)
	return cmd
}

func runLive(cmd *cobra.Command, _ []string) error {
	admin, err := adminapi.FromFlags(cmd)
	if err != nil {
		return err
	}
	listen, _ := cmd.Flags().GetString("listen") // Both are defined above.
	remote, _ := cmd.Flags().GetBool("allow-remote")
	ctx, stop := cli.Interruptible(cmd)
	defer stop()
	return servePage(ctx, admin, listen, remote, func(url string) {
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "The live page is at %s\n", url)
	})
}

// servePage serves until the context ends.
func servePage(ctx context.Context, admin *adminapi.Client, listen string, remote bool, ready func(url string)) error {
	// Asking first tells at once what would otherwise be seen in the browser.
	if _, err := admin.Get(ctx, adminapi.Path+"health/live"); err != nil {
		return adminapi.Explain(err)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	at := listener.Addr().(*net.TCPAddr)
	if !at.IP.IsLoopback() && !remote {
		_ = listener.Close()
		return fmt.Errorf("--listen is %s: write an address of this machine alone, such as 127.0.0.1:2020, as the page shows payloads; "+
			"or add --allow-remote", listen)
	}
	guard := &pageGuard{remote: remote, next: newPageProxy(admin)}
	url := "http://" + at.String() + adminapi.Path
	if at.IP.IsUnspecified() {
		url = fmt.Sprintf("http://localhost:%d%s", at.Port, adminapi.Path)
	}
	if remote || admin.IsSocket {
		guard.token = rand.Text()
		url += "?" + tokenName + "=" + guard.token
	}
	server := &http.Server{
		Handler:           guard,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	ready(url)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newPageProxy passes requests on to the admin endpoint.
func newPageProxy(admin *adminapi.Client) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", admin.Host, admin.Host
			// The guard has looked at where the request comes from.
			for name := range r.Out.Header {
				if strings.HasPrefix(name, "Sec-Fetch-") {
					r.Out.Header.Del(name)
				}
			}
			admin.SetOrigin(r.Out.Header)
			r.Out.Header.Del("Referer")
			r.Out.Header.Del("Cookie")
		},
		ModifyResponse: func(r *http.Response) error {
			for name := range r.Header { // Caddy lets the origin read the answer, and that is ours.
				if strings.HasPrefix(name, "Access-Control-") {
					r.Header.Del(name)
				}
			}
			return nil
		},
		FlushInterval: -1,
		Transport:     admin.Transport,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "Caddy does not answer: "+err.Error(), http.StatusBadGateway)
		},
	}
}
