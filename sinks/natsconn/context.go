// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// contextFile is where the nats command line keeps a context.
func contextFile(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	if folder := contextFolder(); folder != "" {
		return filepath.Join(folder, name+".json")
	}
	return ""
}

// contextFolder is empty for a user without a home.
func contextFolder() string {
	folder := os.Getenv("XDG_CONFIG_HOME")
	if folder == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(home, ".config")
	}
	return filepath.Join(folder, "nats", "context")
}

// withContexts adds to the error of a context that nobody knows those that there are.
func withContexts(err error) error {
	folder := contextFolder()
	if err == nil || folder == "" || !strings.Contains(err.Error(), "unknown context") {
		return err
	}
	files, _ := filepath.Glob(filepath.Join(folder, "*.json")) // The pattern is well-formed.
	if len(files) == 0 {
		return fmt.Errorf("%w: there is none in %s, where this user keeps them: make it with nats context add, or name its file", err, folder)
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return fmt.Errorf("%w: this user has %s", err, strings.Join(names, ", "))
}
