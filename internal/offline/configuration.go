// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/segmentpixel/caddy-segment-pixel/internal/adminapi"
)

// Configuration is what of a whole configuration matters to the commands.
type Configuration struct {
	Handlers []Handler
	Release  func()
	Admin    string // the address of the admin API
	AdminOff bool
}

// FindHandlers returns the segment_pixel handlers of a configuration file, in the order in
// which they stand there, ready to decode but with their sinks not started. Without a
// file, they are those of the Caddyfile in the current folder or, if there is none, of the
// Caddy that runs, whose admin API has the address, or the default one. What of them
// cannot be had here, such as a variable of the service, is left out; see [Missing].
func FindHandlers(ctx context.Context, configFile, adapter, address string) (handlers []Handler, release func(), err error) {
	c, err := Load(configFile, adapter)
	if errors.Is(err, ErrNone) {
		var running error
		if c, running = LoadRunning(ctx, cmp.Or(address, caddy.DefaultAdminListen)); running != nil {
			return nil, nil, fmt.Errorf("%w; %w", err, running)
		}
	} else if err != nil {
		return nil, nil, err
	}
	return c.Handlers, c.Release, nil
}

// Find finds the configuration of a command: that of a file or, without one, of the
// Caddyfile in the current folder; if an address is given and no file, or there is no
// Caddyfile, that of the Caddy whose admin API has this address, or the default one. It
// also returns the address of the Caddy that runs, empty if its admin API is off.
func Find(ctx context.Context, configFile, adapter, address string) (c *Configuration, admin string, err error) {
	if configFile != "" || address == "" {
		c, err := Load(configFile, adapter)
		if err == nil && address == "" && !c.AdminOff {
			address = c.Admin
		}
		if !errors.Is(err, ErrNone) {
			return c, address, err
		}
	}
	asked := cmp.Or(address, caddy.DefaultAdminListen)
	c, err = LoadRunning(ctx, asked)
	if err != nil && address == "" {
		return nil, "", fmt.Errorf("%w; %w", ErrNone, err)
	}
	return c, asked, err
}

// ErrNone tells that no file was named and that none is there.
var ErrNone = errors.New("there is no Caddyfile in this folder: name the configuration with --config")

// Load loads the configuration that a file holds, which is found and adapted as "caddy
// run" does it.
func Load(configFile, adapter string) (*Configuration, error) {
	ctx, cfg, err := quietContext()
	if err != nil {
		return nil, err
	}
	config, file, _, err := caddycmd.LoadConfig(configFile, adapter)
	if err != nil {
		return nil, err
	}
	if file == "" {
		return nil, ErrNone
	}
	return provisionHandlers(ctx, cfg, config)
}

// LoadRunning does the same with the configuration of the Caddy whose
// admin API has this address.
func LoadRunning(ctx context.Context, address string) (*Configuration, error) {
	quiet, cfg, err := quietContext()
	if err != nil {
		return nil, err
	}
	config, err := adminapi.Ask(ctx, address, "/config/")
	if err != nil {
		return nil, fmt.Errorf("asking the Caddy at %s for its configuration: %w", address, err)
	}
	return provisionHandlers(quiet, cfg, config)
}

// quietContext makes a context to provision in. It opens no log but standard error,
// which gets errors alone: what a handler has to say of its configuration it says
// when it is served.
func quietContext() (caddy.Context, *caddy.Config, error) {
	cfg := &caddy.Config{Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		caddy.DefaultLoggerName: {
			BaseLog: caddy.BaseLog{Level: "ERROR"},
			Exclude: []string{"http.handlers.segment_pixel", "segment_pixel"},
		},
	}}}
	ctx, err := caddy.ProvisionContext(cfg)
	return ctx, cfg, err
}

// provisionHandlers provisions what is ours and no more. The rest of the configuration
// may need the rights of the service, and its handlers may begin to work before they
// are started.
func provisionHandlers(ctx caddy.Context, cfg *caddy.Config, config []byte) (*Configuration, error) {
	var parsed struct {
		Admin struct {
			Disabled bool   `json:"disabled"`
			Listen   string `json:"listen"`
		} `json:"admin"`
		Apps caddy.ModuleMap `json:"apps"`
	}
	if err := json.Unmarshal(caddy.RemoveMetaFields(config), &parsed); err != nil {
		return nil, fmt.Errorf("decoding config: %w", err)
	}
	found, err := findHandlers(parsed.Apps["http"])
	if err != nil {
		return nil, fmt.Errorf("decoding config: %w", err)
	}
	if len(found) == 0 {
		return nil, errors.New("the configuration has no segment_pixel handler")
	}
	// An app is loaded when a sink asks for it, with its own configuration.
	cfg.AppsRaw = parsed.Apps
	ctx, cancel := caddy.NewContext(ctx)
	for i := range found {
		if err := found[i].provision(ctx); err != nil {
			cancel()
			return nil, fmt.Errorf("server %s: loading handler module 'segment_pixel': %w", found[i].Server.Name, err)
		}
	}
	return &Configuration{
		Handlers: found,
		Release:  cancel,
		Admin:    cmp.Or(parsed.Admin.Listen, caddy.DefaultAdminListen),
		AdminOff: parsed.Admin.Disabled,
	}, nil
}
