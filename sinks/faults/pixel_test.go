// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// pixelID numbers a pixel by the connection it is sent from.
type pixelID struct {
	connection, number int
}

func (id pixelID) String() string {
	return fmt.Sprintf("%d-%d", id.connection, id.number)
}

// parseID is the inverse of String.
func parseID(text string) (pixelID, error) {
	connection, number, _ := strings.Cut(text, "-")
	c, err := strconv.Atoi(connection)
	if err != nil {
		return pixelID{}, err
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return pixelID{}, err
	}
	id := pixelID{c, n}
	if id.String() != text {
		return pixelID{}, fmt.Errorf("%q is not written like one of ours", text)
	}
	return id, nil
}

const (
	// marker stands in every payload and must stand nowhere else.
	marker = "NotForTheLog"
	// fillSize is how many letters make an event as large as usual. They do not
	// compress to nothing, so that a small spool fills.
	fillSize = 256
)

// payload is the object of a pixel.
func (id pixelID) payload() []byte {
	return fmt.Appendf(nil, `{"writeKey":%q,"userId":%q,"messageId":%q,"event":%q,"properties":{"fill":%q}}`,
		writeKey, id, id, marker, id.fill())
}

// natsMsgID is the Nats-Msg-Id that the pixel must be stored under: source, message id
// and identity, of which the last two are the same here.
func (id pixelID) natsMsgID() string {
	return fmt.Sprintf("web:%v:%v", id, id)
}

// fill is text that can be told from the id again.
func (id pixelID) fill() string {
	text := make([]byte, fillSize)
	state := uint64(id.connection)<<32 | uint64(id.number)
	for i := range text {
		// SplitMix64
		state += 0x9e3779b97f4a7c15
		z := (state ^ state>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		text[i] = 'a' + byte((z^z>>31)%26)
	}
	return string(text)
}

// payloadTraces are texts that only a payload brings into a log: what every one
// begins with, encoded, and the marker.
func payloadTraces() []string {
	encoded := base64.RawURLEncoding.EncodeToString(pixelID{}.payload())
	return []string{encoded[:20], marker, writeKey}
}

// request is the HTTP request of a pixel.
func (id pixelID) request(host string) []byte {
	return fmt.Appendf(nil, "GET /v1/pixel/track?data=%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: faults\r\n\r\n",
		base64.RawURLEncoding.EncodeToString(id.payload()), host)
}
