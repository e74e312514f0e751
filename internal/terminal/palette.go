// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"io"
	"os"
)

// Palette colours texts, or not.
type Palette bool

// The colours: what is well, what is wrong, what to look at, and what matters less.
const (
	Green  = "\x1b[32m"
	Red    = "\x1b[31m"
	Yellow = "\x1b[33m"
	Dim    = "\x1b[2m"

	plain = "\x1b[0m"
)

// Colours colours what is written to a terminal, unless NO_COLOR is set.
func Colours(out io.Writer) Palette {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := file.Stat()
	return Palette(err == nil && info.Mode()&os.ModeCharDevice != 0)
}

// Text is the text in a colour, if there are any.
func (p Palette) Text(colour, text string) string {
	if !p || text == "" {
		return text
	}
	return colour + text + plain
}
