// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
)

// Seal says with which keys sealed pixels are opened. The parameter data of such a pixel
// is a JOSE compact token: JWE with dir and A256GCM, or JWS with HS256.
type Seal struct {
	// A file with a JWK set, which is read again when it changes. It may hold
	// placeholders. A key that has a `source` needs no write key beside it. Required.
	File string `json:"file,omitempty"`

	// Whether pixels that are not sealed are rejected. The parameters beside a token are
	// ignored then. Default: false
	Required bool `json:"required,omitempty"`

	// The parameters that count beside a token all the same, and what is below them.
	// Default: none
	Allow []string `json:"allow,omitempty"`
}

func (s *Seal) validate() error {
	switch {
	case s == nil:
		return nil
	case s.File == "":
		return errors.New("seal needs a file with keys: make one with caddy segment-pixel key")
	case len(s.Allow) > 0 && !s.Required:
		return errors.New("seal has allow, which is of use with required alone")
	}
	return nil
}

// provisionSeal reads no file.
func (h *Handler) provisionSeal() error {
	if h.Seal == nil {
		return nil
	}
	file, err := caddy.NewReplacer().ReplaceOrErr(h.Seal.File, true, true)
	if err != nil {
		return fmt.Errorf("seal: %w: set what it stands for, or write the name of the file", err)
	}
	h.seals = seal.NewRing(file, h.logger)
	h.decoder.Unseal, h.decoder.SealRequired, h.decoder.SealAllows = h.seals.Open, h.Seal.Required, h.Seal.Allow
	return nil
}

// unmarshalSeal reads the option:
//
//	seal <file> [required] {
//		allow <field...>
//	}
//
// The fields may also stand on the line: seal <file> required allow <field...>.
func (h *Handler) unmarshalSeal(d *caddyfile.Dispenser) error {
	const usage = "seal <file> [required [allow <field...>]]"
	if h.Seal != nil {
		return d.Err("seal already specified")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || slices.Contains(args, "") {
		return d.Errf("wrong number of arguments: write %s", usage)
	}
	h.Seal = &Seal{File: args[0], Required: len(args) > 1 && args[1] == "required"}
	switch {
	case len(args) == 1, len(args) == 2 && h.Seal.Required:
	case len(args) > 3 && h.Seal.Required && args[2] == "allow":
		h.Seal.Allow = slices.Clone(args[3:])
	default:
		return d.Errf("wrong arguments: write %s", usage)
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != "allow" {
			return d.Errf("unrecognized subdirective '%s' of seal: write allow", d.Val())
		}
		if len(h.Seal.Allow) > 0 {
			return d.Err("allow already specified")
		}
		fields, err := arguments(d, 1, -1, "allow <field...>")
		if err != nil {
			return err
		}
		h.Seal.Allow = fields
	}
	if err := h.Seal.validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
