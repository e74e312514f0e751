// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// defaultSource is the source of a single key that names none.
const defaultSource = "default"

var sourceName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Key is one accepted write key.
type Key struct {
	// The write key as clients send it. May be a placeholder such as
	// `{env.WRITE_KEY}`. Required.
	Key string `json:"key,omitempty"`

	// The source that the key stands for: 1 to 64 letters, digits, `_` and `-`.
	// It appears in subjects, logs and metrics, where the key never does.
	// Default: `default`, if there is no other key
	Source string `json:"source,omitempty"`
}

// CheckSource tells what is wrong with the name of a source. It does not repeat the
// name: where the two have been swapped, that is a key.
func CheckSource(source string) error {
	if !sourceName.MatchString(source) {
		return errors.New("the source must be 1 to 64 letters, digits, _ and -: it stands behind the key")
	}
	return nil
}

// Validate tells what is wrong with the configured keys and files.
func Validate(keys []Key, files []string) error {
	if len(keys)+len(files) == 0 {
		return errors.New("write_key is missing: name at least one key, or a file with write_keys")
	}
	for i, file := range files {
		if slices.Contains(files[:i], file) {
			return fmt.Errorf("write_keys file %s is specified twice", file)
		}
	}
	for i, key := range keys {
		if key.Key == "" {
			return errors.New("a write key is empty")
		}
		if key.Source == "" && len(keys)+len(files) > 1 {
			return errors.New("a write key has no source: with several keys, each needs one")
		}
		if key.Source != "" {
			if err := CheckSource(key.Source); err != nil {
				return fmt.Errorf("write_key %d: %w", i+1, err)
			}
		}
	}
	return nil
}

// Ring finds the source of a write key, in a map from keys to sources.
type Ring struct {
	Follower[map[string]string]
	configured []Key
}

// Provision resolves the placeholders, but reads no file.
func (k *Ring) Provision(keys []Key, files []string, logger *zap.Logger) error {
	k.configured = keys
	k.What, k.Logger, k.ReadFiles = "the write keys", logger, k.read
	k.Size = func(sources map[string]string) int { return len(sources) }
	repl := caddy.NewReplacer()
	for _, file := range files {
		name, err := repl.ReplaceOrErr(file, true, true)
		if err != nil {
			return fmt.Errorf("write_keys file: %w: set what it stands for, or write the name of the file", err)
		}
		k.Files = append(k.Files, name)
	}
	_, err := k.resolve(false)
	return err
}

// Plain returns a key of each source that stands in the configuration as it is, and not
// in a placeholder or a file.
func (k *Ring) Plain() map[string]string {
	plain := make(map[string]string)
	for _, key := range k.configured {
		source := cmp.Or(key.Source, defaultSource)
		if _, known := plain[source]; !known && !strings.Contains(key.Key, "{") {
			plain[source] = key.Key
		}
	}
	return plain
}

// resolve returns the configured keys. With withFiles unset, keys that come from
// a file are left out.
func (k *Ring) resolve(withFiles bool) (map[string]string, error) {
	repl := caddy.NewReplacer()
	sources := make(map[string]string, len(k.configured))
	for i, key := range k.configured {
		if !withFiles && strings.Contains(key.Key, "{file.") {
			continue
		}
		if err := checkPlaceholderFiles(key.Key); err != nil {
			return nil, fmt.Errorf("write_key %d: %w", i+1, err)
		}
		value, err := repl.ReplaceOrErr(key.Key, true, true)
		if err != nil {
			return nil, fmt.Errorf("write_key %d: %w: set what it stands for", i+1, err)
		}
		if err := addKey(sources, strings.TrimRight(value, "\r\n"), cmp.Or(key.Source, defaultSource)); err != nil {
			return nil, fmt.Errorf("write_key %d: %w", i+1, err)
		}
	}
	return sources, nil
}

func addKey(sources map[string]string, key, source string) error {
	if _, taken := sources[key]; taken {
		return errors.New("its write key is specified twice")
	}
	sources[key] = source
	return nil
}

// Source finds the source of a key.
func (k *Ring) Source(key string) (string, bool) {
	source, known := k.InForce()[key]
	return source, known
}

// Names returns the sources that have a key, sorted.
func (k *Ring) Names() []string {
	names := slices.AppendSeq([]string{}, maps.Values(k.InForce())) // a list in JSON, even of none
	slices.Sort(names)
	return slices.Compact(names)
}

// Count is how many keys there are.
func (k *Ring) Count() int { return len(k.InForce()) }

// Problem says why the files could not be read again, or that there is no key; empty if
// all is well.
func (k *Ring) Problem() string {
	problem := k.Follower.Problem()
	if sources := k.keys.Load(); problem == "" && sources != nil && len(*sources) == 0 {
		return "the write_keys files hold no key, so every request is rejected: write a key and its source on a line of one of them"
	}
	return problem
}

// Read returns the keys of the configuration and of the files.
func (k *Ring) Read() (map[string]string, error) {
	return k.read(false)
}

// read may ask for a key in each file: none is what a file has that is being written.
func (k *Ring) read(someInEach bool) (map[string]string, error) {
	sources, err := k.resolve(true)
	if err != nil {
		return nil, err
	}
	for _, file := range k.Files {
		before := len(sources)
		if err := readKeyFile(file, sources); err != nil {
			return nil, fmt.Errorf("write_keys file %s: %w", file, err)
		}
		if someInEach && len(sources) == before {
			return nil, fmt.Errorf("write_keys file %s: %w", file, errNoKeys)
		}
	}
	return sources, nil
}

var errNoKeys = errors.New("there is no key in it any more: to have none, take the file out of the configuration and reload")
