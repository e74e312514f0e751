// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
)

// WriteKey is the write key in every payload; a site that is to take them says
// "write_key" with it.
const WriteKey = "benchKey"

// words are what texts in payloads consist of.
var words = strings.Fields("seven walks for short days a table near the window letters from the north how we mend " +
	"what we wear the long way home autumn in the garden bread without haste rivers and their names")

// Payloads returns so many different payloads of track pixels, as JSON. Their
// sizes are spread evenly from least to most bytes; least and most may be equal.
// They are the same in every run. None has a messageId, so the handler makes one
// for each request, and a stream that looks for duplicates counts each request.
func Payloads(count, least, most int) ([][]byte, error) {
	if count < 1 || least > most {
		return nil, fmt.Errorf("there are no %d payloads of %d to %d bytes; ask for one or more, the smaller size first", count, least, most)
	}
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the payloads are to be the same in every run
	payloads := make([][]byte, count)
	for n := range payloads {
		size := least
		if count > 1 {
			size += (most - least) * n / (count - 1)
		}
		var err error
		if payloads[n], err = payload(random, n, size); err != nil {
			return nil, err
		}
	}
	random.Shuffle(count, func(i, j int) { payloads[i], payloads[j] = payloads[j], payloads[i] })
	return payloads, nil
}

// payload is an object as the pixel of a mail has it, of exactly size bytes. What
// a real one may have goes in as long as there is room, and a text fills the rest.
func payload(random *rand.Rand, number, size int) ([]byte, error) {
	const (
		fill = `,"preview":"`
		end  = `"}}`
	)
	var text bytes.Buffer
	fmt.Fprintf(&text, `{"writeKey":%q,"userId":"reader-%05d%05d","event":"Email Opened","context":{"locale":"en-GB",`+
		`"timezone":"Europe/Berlin"},"properties":{"email_id":"e-%08d"`, WriteKey, number, random.IntN(1e5), random.IntN(1e8))
	room := func() int { return size - text.Len() - len(fill) - len(end) }
	if room() < 0 {
		return nil, fmt.Errorf("a payload cannot be as small as %d bytes; %d is the least", size, size-room())
	}
	for _, n := range random.Perm(len(properties)) {
		if property := fmt.Sprintf(properties[n], random.IntN(1000)); len(property) <= room() {
			text.WriteString(property)
		}
	}
	rest := room()
	text.WriteString(fill)
	text.WriteString(prose(random, rest))
	text.WriteString(end)
	return text.Bytes(), nil
}

// properties are what a payload may have, each with a number in it.
var properties = []string{
	`,"campaign_id":"autumn-2026-%03d"`,
	`,"subject":"Seven walks for short days, part %d"`,
	`,"link_count":%d`,
	`,"template":"newsletter/two-columns-%d"`,
	`,"list":"subscribers-eu-%d"`,
	`,"variant":"B%d"`,
	`,"unsubscribe_url":"https://mail.example.com/unsubscribe/%d"`,
	`,"campaign":{"name":"autumn-%d","source":"newsletter","medium":"email","content":"header"}`,
}

// prose is text of exactly so many bytes.
func prose(random *rand.Rand, size int) string {
	var text strings.Builder
	for text.Len() < size {
		text.WriteString(words[random.IntN(len(words))])
		text.WriteByte(' ')
	}
	return text.String()[:size]
}

// Path is the path and query that a payload is sent with.
func Path(payload []byte) string {
	return "/v1/pixel/track?data=" + base64.RawURLEncoding.EncodeToString(payload)
}

// WritePaths writes the paths of payloads into a file, for Load.
func WritePaths(file string, payloads [][]byte) error {
	var text bytes.Buffer
	for _, p := range payloads {
		text.WriteString(Path(p))
		text.WriteByte('\n')
	}
	return os.WriteFile(file, text.Bytes(), 0o600)
}
