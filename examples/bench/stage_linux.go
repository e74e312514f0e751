// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/examples/bench/internal/rig"
)

// bench is a run of the benchmark.
type bench struct {
	*rig.Stage // the contenders are what is measured
	options    options
	payloads   [][]byte
	paths      string // file with the paths of the pixels
	cert       rig.Certificate
	broker     *rig.Broker
	contenders []*contender
	rates      map[protocol]float64
}

// stage builds and starts everything. What has been started is returned with an
// error, too, so that it can be ended.
func stage(ctx context.Context, o options) (*bench, error) {
	b := &bench{options: o, rates: make(map[protocol]float64)}
	var err error
	if b.Stage, err = rig.NewStage(ctx, o.dir, "segment-pixel-bench-"); err != nil {
		return b, err
	}
	if err := b.prepare(); err != nil {
		return b, err
	}
	if b.broker, err = rig.StartBroker(ctx, rig.BrokerConfig{
		Binary: b.Binaries.NATSServer, Dir: filepath.Join(b.Dir, "nats"), CPU: b.Rest,
	}); err != nil {
		return b, err
	}
	if err := b.startCaddies(ctx); err != nil {
		return b, err
	}
	b.startNginxes(ctx)
	return b, b.addForeign()
}

// prepare writes the files that the contenders and the load need.
func (b *bench) prepare() error {
	var err error
	if b.cert, err = rig.NewCertificate(b.Dir); err != nil {
		return err
	}
	const different = 1000
	b.payloads, err = rig.Payloads(different, b.options.sizes.least, b.options.sizes.most)
	if err != nil {
		return err
	}
	b.paths = filepath.Join(b.Dir, "paths")
	if b.options.profile != "" {
		if err := os.MkdirAll(b.options.profile, 0o750); err != nil {
			return err
		}
	}
	return rig.WritePaths(b.paths, b.payloads)
}

func (b *bench) startCaddies(ctx context.Context) error {
	for _, r := range recipes {
		if r.name != rig.FloorName && !b.options.only.MatchString(r.name) {
			continue
		}
		c, err := b.startCaddy(ctx, r)
		if err != nil {
			return err
		}
		b.contenders = append(b.contenders, c)
	}
	return nil
}

// startNginxes starts what can be started: nginx need not be there.
func (b *bench) startNginxes(ctx context.Context) {
	for _, v := range nginxVariants {
		if !b.options.only.MatchString(v.name) {
			continue
		}
		c, err := b.startNginx(ctx, v)
		if err != nil {
			rig.Note("%s is left out: %v; to have it, install nginx, libnginx-mod-http-lua and lua-cjson, as Debian names them", v.name, err)
			continue
		}
		b.contenders = append(b.contenders, c)
	}
}

// addForeign adds what somebody else has started.
func (b *bench) addForeign() error {
	for _, f := range b.options.foreign {
		process, err := rig.Attach(f.name, f.pid)
		if err != nil {
			return err
		}
		p := plain
		if strings.HasPrefix(f.url, "https:") {
			p = secure
		}
		b.contenders = append(b.contenders, newContender(f.name, process, map[protocol]string{p: f.url}))
	}
	return nil
}

// end ends all processes and removes what they stored.
func (b *bench) end() error {
	var errs error
	for _, c := range b.contenders {
		errs = errors.Join(errs, c.process.Terminate())
	}
	if b.broker != nil {
		errs = errors.Join(errs, b.broker.Terminate())
	}
	if b.Stage != nil {
		errs = errors.Join(errs, b.Stage.End())
	}
	return errs
}
