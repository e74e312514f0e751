// SPDX-License-Identifier: Apache-2.0

package args

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// Checked reads the one argument of an option that may stand once.
func Checked(d *caddyfile.Dispenser, usage string, target *string, check func(string) error) error {
	if err := Strings(d, usage, target); err != nil {
		return err
	}
	if err := check(*target); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// Duration reads the duration that an option has as its one argument.
func Duration(d *caddyfile.Dispenser, target *caddy.Duration) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := Strings(d, "<duration>", &text); err != nil {
		return err
	}
	duration, err := caddy.ParseDuration(text)
	if err != nil || duration <= 0 {
		return d.Errf("%s is '%s': write a positive duration such as 5s or 2m", name, text)
	}
	*target = caddy.Duration(duration)
	return nil
}

// Size reads a size in bytes, which may have a unit.
func Size(d *caddyfile.Dispenser, target *int64) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := Strings(d, "<size>", &text); err != nil {
		return err
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || size == 0 || size > 1<<62 {
		return d.Errf("%s is '%s': write a size such as 10GiB", name, text)
	}
	*target = int64(size)
	return nil
}

// Int reads a whole number.
func Int(d *caddyfile.Dispenser, target *int) error {
	name, text := d.Val(), ""
	if *target != 0 {
		return d.Errf("%s already specified", name)
	}
	if err := Strings(d, "<number>", &text); err != nil {
		return err
	}
	number, err := strconv.Atoi(text)
	if err != nil || number <= 0 {
		return d.Errf("%s is '%s': write a positive number", name, text)
	}
	*target = number
	return nil
}

// Strings sets as many values as there are arguments to an option
// that may be given once.
func Strings(d *caddyfile.Dispenser, usage string, values ...*string) error {
	name := d.Val()
	for _, value := range values {
		if *value != "" {
			return d.Errf("%s already specified", name)
		}
	}
	args, err := Arguments(d, usage)
	if err != nil {
		return err
	}
	for i, arg := range args {
		*values[i] = arg
	}
	return nil
}

// OneOf reads an option that takes one of some words.
func OneOf(d *caddyfile.Dispenser, target *string, words ...string) error {
	name := d.Val()
	return Checked(d, strings.Join(words, "|"), target, func(value string) error { return CheckOneOf(name, value, words...) })
}

// CheckOneOf says what to write instead of a value that is none of the words.
func CheckOneOf(name, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	last := len(words) - 1
	return fmt.Errorf("%s is %q: write %s or %s", name, value, strings.Join(words[:last], ", "), words[last])
}

// Arguments returns the arguments of an option, as many as usage calls for. It never
// shows an argument, which may be a secret.
func Arguments(d *caddyfile.Dispenser, usage string) ([]string, error) {
	name := d.Val()
	args, err := Line(d, usage)
	if err != nil {
		return nil, err
	}
	last := d.Val()
	if d.NextBlock(d.Nesting()) || d.Val() != last { // the latter is the end of an empty block
		return nil, d.Errf("%s takes no block: write it as '%s'", name, written(name, usage))
	}
	return args, nil
}

// word matches that of a usage, in which there may be spaces between angle brackets.
var word = regexp.MustCompile(`(?:<[^>]*>|[^\s<])+`)

// Line does the same for an option that may have a block, which is left to be read.
func Line(d *caddyfile.Dispenser, usage string) ([]string, error) {
	name, args := d.Val(), d.RemainingArgs()
	words, least, brackets := word.FindAllString(usage, -1), 0, 0
	for _, w := range words {
		if brackets += strings.Count(w, "["); brackets == 0 {
			least++
		}
		brackets -= strings.Count(w, "]")
	}
	if len(args) < least || len(args) > len(words) && !strings.Contains(usage, "...") {
		return nil, d.Errf("%s has %d arguments: write it as '%s'", name, len(args), written(name, usage))
	}
	if slices.Contains(args, "") {
		return nil, d.Errf("%s has an empty argument: write it as '%s'", name, written(name, usage))
	}
	return args, nil
}

func written(name, usage string) string { return strings.TrimSpace(name + " " + usage) }
