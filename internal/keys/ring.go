// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// defaultSource is the source of a single key that names none.
const defaultSource = "default"

// keyFilePoll is how often key files are looked at. Polling finds changes on any
// file system and through any kind of replacement.
const keyFilePoll = time.Second

var sourceName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Key is a write key of the configuration.
type Key struct {
	Key    string // may hold placeholders
	Source string // default: "default", if there is no other key
}

// CheckSource tells what is wrong with the name of a source.
func CheckSource(source string) error {
	if !sourceName.MatchString(source) {
		return fmt.Errorf("source %q must be 1 to 64 letters, digits, _ and -", source)
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
	for _, key := range keys {
		if key.Key == "" {
			return errors.New("a write key is empty")
		}
		if key.Source == "" && len(keys)+len(files) > 1 {
			return errors.New("a write key has no source: with several keys, each needs one")
		}
		if key.Source != "" {
			if err := CheckSource(key.Source); err != nil {
				return err
			}
		}
	}
	return nil
}

// Ring finds the source of a write key. Its keys may change while it is used.
type Ring struct {
	configured []Key
	files      []string
	logger     *zap.Logger

	sources atomic.Pointer[map[string]string]
	trouble atomic.Pointer[string] // why the files could not be read again; nil if they were

	open   sync.Once
	opened error
	first  []stamp // of the files, from before they were read first

	mu     sync.Mutex
	cancel chan struct{}
}

// Provision resolves the placeholders, but reads no file.
func (k *Ring) Provision(keys []Key, files []string, logger *zap.Logger) error {
	k.configured, k.logger = keys, logger
	repl := caddy.NewReplacer()
	for _, file := range files {
		name, err := repl.ReplaceOrErr(file, true, true)
		if err != nil {
			return fmt.Errorf("write_keys file: %w", err)
		}
		k.files = append(k.files, name)
	}
	_, err := k.resolve(false)
	return err
}

// resolve returns the configured keys. With withFiles unset, keys that come from
// a file are left out.
func (k *Ring) resolve(withFiles bool) (map[string]string, error) {
	repl := caddy.NewReplacer()
	sources := make(map[string]string, len(k.configured))
	for _, key := range k.configured {
		if !withFiles && strings.Contains(key.Key, "{file.") {
			continue
		}
		source := cmp.Or(key.Source, defaultSource)
		value, err := repl.ReplaceOrErr(key.Key, true, true)
		if err != nil {
			return nil, fmt.Errorf("write_key of source %s: %w", source, err)
		}
		if err := addKey(sources, strings.TrimRight(value, "\r\n"), source); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func addKey(sources map[string]string, key, source string) error {
	if other, taken := sources[key]; taken {
		return fmt.Errorf("one write key is specified twice, for the sources %s and %s", other, source)
	}
	sources[key] = source
	return nil
}

// Source finds the source of a key.
func (k *Ring) Source(key string) (string, bool) {
	sources := k.sources.Load()
	if sources == nil {
		// A request came before the app was started.
		if k.Load() != nil {
			return "", false
		}
		sources = k.sources.Load()
	}
	source, known := (*sources)[key]
	return source, known
}

// Names returns the sources that have a key, sorted.
func (k *Ring) Names() []string {
	sources := k.sources.Load()
	if sources == nil {
		return []string{}
	}
	return slices.Compact(slices.Sorted(maps.Values(*sources)))
}

// Count is how many keys there are.
func (k *Ring) Count() int {
	if sources := k.sources.Load(); sources != nil {
		return len(*sources)
	}
	return 0
}

// Problem says why the files could not be read again; empty if they were.
func (k *Ring) Problem() string {
	if trouble := k.trouble.Load(); trouble != nil {
		return "the write keys changed, but could not be read, so the old ones are in force: " + *trouble
	}
	return ""
}

// Load reads everything, once.
func (k *Ring) Load() error {
	k.open.Do(func() {
		k.first = k.stamps()
		var sources map[string]string
		if sources, k.opened = k.Read(); k.opened == nil {
			k.sources.Store(&sources)
		}
	})
	return k.opened
}

// Read returns the keys of the configuration and of the files.
func (k *Ring) Read() (map[string]string, error) {
	sources, err := k.resolve(true)
	if err != nil {
		return nil, err
	}
	for _, file := range k.files {
		if err := readKeyFile(file, sources); err != nil {
			return nil, fmt.Errorf("write_keys file %s: %w", file, err)
		}
	}
	return sources, nil
}

// readKeyFile adds the keys of one file. Errors name lines and sources, no keys.
func readKeyFile(file string, sources map[string]string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return errors.Unwrap(err)
	}
	// Some editors begin a file with a byte order mark.
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 2 {
			return fmt.Errorf("line %d: write a key and a source", number)
		}
		if err := CheckSource(fields[1]); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := addKey(sources, fields[0], fields[1]); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return lines.Err()
}

// Start reads the keys and watches the files from then on.
func (k *Ring) Start() error {
	if err := k.Load(); err != nil {
		return err
	}
	if len(k.files) == 0 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cancel == nil {
		k.cancel = make(chan struct{})
		go k.watch(k.cancel, k.first)
	}
	return nil
}

// Stop ends watching. The keys stay, for requests that are still under way.
func (k *Ring) Stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cancel != nil {
		close(k.cancel)
		k.cancel = nil
	}
}

// stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	size     int64
}

func (k *Ring) stamps() []stamp {
	stamps := make([]stamp, len(k.files))
	for i, file := range k.files {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

func (k *Ring) watch(cancel <-chan struct{}, last []stamp) {
	ticker := time.NewTicker(keyFilePoll)
	defer ticker.Stop()
	for {
		select {
		case <-cancel:
			return
		case <-ticker.C:
		}
		now := k.stamps()
		if slices.Equal(now, last) {
			continue
		}
		last = now
		k.reload()
	}
}

// reload reads the files again. Keys that cannot be read leave the old ones in
// force: a file may be caught half-written.
func (k *Ring) reload() {
	sources, err := k.Read()
	if err != nil {
		k.trouble.Store(new(err.Error()))
		k.logger.Error("the write keys changed, but could not be read: the old ones stay in force", zap.Error(err))
		return
	}
	k.trouble.Store(nil)
	if old := k.sources.Swap(&sources); !maps.Equal(*old, sources) {
		k.logger.Info("read the write keys again", zap.Int("keys", len(sources)))
	}
}
