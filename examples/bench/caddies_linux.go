// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
	"github.com/segmentpixel/caddy-segment-pixel/internal/seal"
)

// recipe is a Caddy that takes part.
type recipe struct {
	name  string
	site  string // in the Caddyfile
	sink  string // of segment_pixel, instead of a site
	spool string // of the jetstream sink, instead of a sink
	seal  string // the algorithm with which the pixels are sealed; empty if they are not
}

var recipes = []recipe{
	{name: rig.FloorName, site: rig.Floor},
	{name: "respond, bare", site: rig.Respond},
	{name: "events discarded", sink: "writer discard"},
	{name: "events discarded, JWE", sink: "writer discard", seal: seal.A256GCM},
	{name: "events discarded, JWS", sink: "writer discard", seal: seal.HS256},
	{name: coreNATS, sink: "nats"},
	{name: "jetstream, spool off", spool: "spool off"},
	{name: "jetstream, sync off", spool: "spool {\n\t\t\t\tsync off\n\t\t\t}"},
	{name: "jetstream, sync 10ms", spool: "spool {\n\t\t\t\tsync 10ms\n\t\t\t}"},
	{name: slowest, spool: "spool {\n\t\t\t\tsync always\n\t\t\t}"},
}

const (
	coreNATS = "core nats"
	slowest  = "jetstream, sync always" // its rate is what the fixed rate comes from
)

// key names a recipe where only some characters may be used.
func (r recipe) key() string {
	return strings.NewReplacer(", ", "_", " ", "_").Replace(r.name)
}

// promises tells whether what is answered has to arrive.
func (r recipe) promises() bool {
	return strings.HasPrefix(r.spool, "spool {")
}

// siteText returns the site, with sinks that publish to the server.
func (r recipe) siteText(server, dir string) string {
	if r.site != "" {
		return r.site
	}
	sink := "sink " + r.sink
	switch {
	case r.spool != "":
		sink = rig.JetStream(server, r.key(), r.spool)
	case r.name == coreNATS:
		sink = fmt.Sprintf("sink nats %s {\n\t\t\tsubject %s.{type}\n\t\t}", server, r.key())
	}
	options := ""
	if r.seal != "" {
		options = "\n\t\tseal " + filepath.Join(dir, r.seal+".jwks") + " required"
	}
	return fmt.Sprintf("segment_pixel {\n\t\twrite_key %s web%s\n\t\t%s\n\t}", rig.WriteKey, options, sink)
}

// startCaddy starts the Caddy of a recipe, with its stream if it needs one.
func (b *bench) startCaddy(ctx context.Context, r recipe) (*contender, error) {
	events, err := b.receive(ctx, r)
	if err != nil {
		return nil, err
	}
	paths := b.paths
	if r.seal != "" {
		if paths, err = b.sealPaths(r.seal); err != nil {
			return nil, err
		}
	}
	caddy, err := rig.StartCaddy(ctx, rig.CaddyConfig{
		Name: r.name, Binary: b.Binaries.Caddy, Dir: filepath.Join(b.Dir, r.key()), CPU: b.Measured,
		Cert: b.cert, Site: r.siteText(b.broker.URL, b.Dir), Admin: b.options.profile != "",
	})
	if err != nil {
		return nil, err
	}
	c := newContender(r.name, caddy.Process, map[protocol]string{plain: caddy.HTTP, secure: caddy.HTTPS})
	c.paths, c.admin, c.arrivals, c.promises = paths, caddy.Admin, events, r.promises()
	return c, nil
}

// sealPaths seals the payloads with a key of the algorithm, and returns the file with
// their paths. The key is in a file beside it.
func (b *bench) sealPaths(alg string) (file string, err error) {
	key, err := seal.NewKey("k", alg, "")
	if err != nil {
		return "", err
	}
	set := &seal.Set{Keys: []seal.Key{*key}}
	keys, err := json.Marshal(set)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(b.Dir, alg+".jwks"), keys, 0o600); err != nil {
		return "", err
	}
	var text strings.Builder
	for _, payload := range b.payloads {
		token, err := set.Seal(payload, "k")
		if err != nil {
			return "", err
		}
		text.WriteString("/v1/pixel/track?data=" + token + "\n")
	}
	file = filepath.Join(b.Dir, "paths-"+alg)
	return file, os.WriteFile(file, []byte(text.String()), 0o600)
}

// receive makes ready what takes the events of a recipe.
func (b *bench) receive(ctx context.Context, r recipe) (arrivals, error) {
	subjects := r.key() + ".>"
	switch {
	case r.spool != "":
		if err := b.broker.CreateStream(ctx, r.key(), subjects); err != nil {
			return nil, err
		}
		return func(ctx context.Context, number int) (int, error) {
			return b.broker.AwaitStored(ctx, r.key(), number)
		}, nil
	case r.name == coreNATS:
		counter, err := b.broker.Count(subjects)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, number int) (int, error) {
			return counter.AwaitSeen(ctx, number), ctx.Err()
		}, nil
	}
	return nil, nil
}
