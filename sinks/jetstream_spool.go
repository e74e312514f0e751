// SPDX-License-Identifier: Apache-2.0

package sinks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/internal/delivery"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// spoolOptions completes what is configured. What makes the sink a distinct one names
// the directory if nothing else does.
func (s *JetStream) spoolOptions() (spool.Options, error) {
	var configured delivery.Spool
	if s.Spool != nil {
		configured = *s.Spool
	}
	options := spool.Options{Dir: configured.Directory, MaxSize: configured.MaxSize}
	if options.MaxSize == 0 {
		options.MaxSize = delivery.DefaultSize
	}
	var err error
	if options.Sync, err = delivery.ParseSync(configured.Sync); err != nil {
		return options, err
	}
	if options.Dir == "" {
		options.Dir, err = s.defaultSpoolDirectory()
	} else {
		options.Dir, err = caddy.NewReplacer().ReplaceOrErr(options.Dir, true, true)
	}
	if err == nil {
		options.Dir, err = delivery.ResolveDirectory(options.Dir)
	}
	if err != nil {
		return options, fmt.Errorf("directory of the spool: %w", err)
	}
	return options, nil
}

var urlPassword = regexp.MustCompile(`://([^\s"':/@]*):[^\s"'@]*@`)

// defaultSpoolDirectory is the same for all sinks that publish to the same subjects of
// one account of one NATS, as far as the configuration tells, and before placeholders
// are resolved. Passwords and tokens are left out: they change, and must not be
// guessed from a name.
func (s *JetStream) defaultSpoolDirectory() (string, error) {
	servers := make([]string, 0, len(s.Servers))
	for _, server := range s.Servers {
		servers = append(servers, urlPassword.ReplaceAllString(server, "://$1@"))
	}
	slices.Sort(servers)
	identity, err := json.Marshal([]any{
		servers, s.Context, s.Domain, s.User, s.Creds, s.NKey, s.streamName(), s.template.Wildcard(),
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(identity)
	return filepath.Join(delivery.DefaultParent(), "jetstream-"+hex.EncodeToString(sum[:6])), nil
}
