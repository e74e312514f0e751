// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"crypto/tls"
	"errors"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/args"
)

// TLS says how to secure a connection to NATS. Its files are read again for
// every handshake, so certificates may be renewed in place.
type TLS struct {
	// The PEM file of the certificate authorities that may sign the server's
	// certificate. Default: those of the system.
	CA string `json:"ca,omitempty"`

	// The PEM file of this client's certificate; needs `key`. Default: none.
	Certificate string `json:"certificate,omitempty"`

	// The PEM file of the key of `certificate`. Default: none.
	Key string `json:"key,omitempty"`

	// The name that the server's certificate must bear. Default: the host of the
	// URL.
	ServerName string `json:"server_name,omitempty"`

	// Do the TLS handshake before the server says anything, as the server's
	// `handshake_first` asks for. Default: `false`.
	First bool `json:"first,omitempty"`

	// Accept any certificate of the server. Anybody on the path can then read the
	// login and the events; for trials only. Default: `false`.
	InsecureSkipVerify bool `json:"insecure_skip_verify,omitempty"`
}

// unmarshalBlock reads the block of the `tls` subdirective.
func (t *TLS) unmarshalBlock(d *caddyfile.Dispenser) error {
	if d.CountRemainingArgs() > 0 {
		return d.Err("tls takes a block and no arguments: write 'tls { ... }', or use the scheme tls in the server URL")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		switch d.Val() {
		case "ca":
			err = args.Strings(d, "<file>", &t.CA)
		case "cert":
			err = args.Strings(d, "<cert> <key>", &t.Certificate, &t.Key)
		case "server_name":
			err = args.Strings(d, "<name>", &t.ServerName)
		case "first":
			err = unmarshalFlag(d, &t.First)
		case "insecure_skip_verify":
			err = unmarshalFlag(d, &t.InsecureSkipVerify)
		default:
			err = d.Errf("unrecognized tls option '%s': use ca, cert, server_name, first or insecure_skip_verify", d.Val())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func unmarshalFlag(d *caddyfile.Dispenser, flag *bool) error {
	if *flag {
		return d.Errf("%s already specified", d.Val())
	}
	if _, err := args.Arguments(d, ""); err != nil {
		return err
	}
	*flag = true
	return nil
}

func (t *TLS) validate() error {
	switch {
	case t == nil:
		return nil
	case t.Certificate != "" && t.Key == "":
		return errors.New("tls certificate needs the key that belongs to it")
	case t.Certificate == "" && t.Key != "":
		return errors.New("tls key needs the certificate that belongs to it")
	}
	return nil
}

// natsOptions expects files that readFiles has found to be in order.
func (t *TLS) natsOptions() []nats.Option {
	if t == nil {
		return nil
	}
	opts := []nats.Option{nats.Secure(&tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // only if configured
	})}
	if t.CA != "" {
		opts = append(opts, nats.RootCAs(t.CA))
	}
	if t.Certificate != "" {
		opts = append(opts, nats.ClientCert(t.Certificate, t.Key))
	}
	if t.First {
		opts = append(opts, nats.TLSHandshakeFirst())
	}
	return opts
}
