// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// startProfile has Caddy take a profile while the load goes on. The function that
// it returns waits for the profile, which has then been written.
func (b *bench) startProfile(ctx context.Context, c *contender, p protocol) func() error {
	short := map[protocol]string{plain: "h1", secure: "h2"}[p]
	name := strings.NewReplacer(", ", "_", " ", "_").Replace(c.name) + "_" + short + ".pprof"
	address := fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", c.admin, int(b.options.duration.Seconds()))
	result := make(chan error, 1)
	go func() { result <- fetch(ctx, address, filepath.Join(b.options.profile, name)) }()
	return func() error {
		if err := <-result; err != nil {
			return fmt.Errorf("profile of %s: %w", c.name, err)
		}
		return nil
	}
}

// fetch writes what a URL has into a file.
func fetch(ctx context.Context, address, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return os.WriteFile(file, body, 0o600)
}
