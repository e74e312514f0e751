// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
)

// costMessageID is shaped like the UUIDs that clients make.
const costMessageID = "%08x-6b1f-7c02-9a4d-%012x"

// costPayload is an object as a mail's pixel has it, of 400 to 600 bytes: its
// fields have to be parsed, where those of the other rows are one long text.
func costPayload(id pixelID) []byte {
	return fmt.Appendf(nil, `{"writeKey":%q,"messageId":"`+costMessageID+`","userId":"reader-%02d%08d",`+
		`"event":"Email Opened","properties":{"campaign_id":"autumn-2026-03","subject":"Seven walks for short days",`+
		`"email_id":"e-48151623","link_count":12,"template":"newsletter/two-columns","list":"subscribers-eu","variant":"B"},`+
		`"context":{"campaign":{"name":"autumn-2026","source":"newsletter","medium":"email","content":"header"},`+
		`"locale":"en-GB","timezone":"Europe/Berlin"},"originalTimestamp":"2026-11-23T06:00:41.272Z"}`,
		writeKey, id.connection, id.number, id.connection, id.number)
}

// costRequest is the HTTP request of a pixel, as a browser sends it.
func costRequest(id pixelID, host string) []byte {
	return fmt.Appendf(nil, "GET /v1/pixel/track?data=%s HTTP/1.1\r\nHost: %s\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n"+
		"Accept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5\r\n"+
		"Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nReferer: https://mail.example.com/\r\n\r\n",
		base64.RawURLEncoding.EncodeToString(costPayload(id)), host)
}

// readCostEvent returns the pixel that a message comes from. It looks at the ids
// only: the rows of TestFaults look at the rest.
func readCostEvent(header nats.Header, data []byte) (pixelID, error) {
	var event struct {
		MessageID string `json:"messageId"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return pixelID{}, fmt.Errorf("%w in %s", err, data)
	}
	var id pixelID
	if _, err := fmt.Sscanf(event.MessageID, costMessageID, &id.connection, &id.number); err != nil {
		return id, fmt.Errorf("%w in the message id %q", err, event.MessageID)
	}
	switch {
	case id.connection >= connections || fmt.Sprintf(costMessageID, id.connection, id.number) != event.MessageID:
		return id, fmt.Errorf("%q is not a message id of ours", event.MessageID)
	case header.Get(nats.MsgIdHdr) != "web:"+event.MessageID:
		return id, fmt.Errorf("%v has the message id %q", id, header.Get(nats.MsgIdHdr))
	}
	return id, nil
}
