// SPDX-License-Identifier: Apache-2.0

package forward

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/spool"
)

// AsideFile is the file in the spool that keeps events that no stream can store.
const AsideFile = "undeliverable.ndjson"

const (
	// maxAside bounds that file; beyond it, events are only shown on the rejected
	// subject and in the log.
	maxAside = 1 << 30

	// headroom is what the headers of a rejected message may take of max_payload.
	headroom = 2 << 10
)

// aside is the file of events that were set aside.
type aside struct {
	name   string
	append func(name string, line []byte) (kept bool, err error) // appendLine, but for tests
	counts map[asideKind]*asideCount

	reserved     bool      // the reserve is there
	reserveAgain time.Time // when it may be tried to create it
}

func newAside(directory string) aside {
	return aside{name: filepath.Join(directory, AsideFile), append: appendLine}
}

// asideLine is one line of the file. The event is kept as it is, for whoever wants
// to publish it once the cause is gone.
type asideLine struct {
	Time      time.Time       `json:"time"`
	Cause     string          `json:"cause"`
	Subject   string          `json:"subject"`
	MessageID string          `json:"messageId,omitempty"`
	Event     json.RawMessage `json:"event"`
}

// setAside keeps an event that no stream can store, so that it does not block the
// others. The error is that of writing the file; the event has to wait then.
func (f *Forwarder) setAside(route Route, session *Session, entry *spool.Entry, cause error) error {
	kept, err := f.aside.write(entry, cause)
	if err != nil {
		return fmt.Errorf("setting aside an event that no stream can store: %w", err)
	}
	if kept {
		route.Observer().SetAside()
	} else {
		route.Observer().Dropped(cause)
	}
	if route.Rejected() != "" {
		msg := rejection(route.Rejected(), entry, cause, session.Conn.MaxPayload())
		if err := session.Conn.PublishMsg(msg); err != nil {
			f.logger().Debug("an event that was set aside could not be shown on the rejected subject", zap.Error(Explain(err)))
		}
	}
	return nil
}

// write returns false when the file has reached its limit.
func (a *aside) write(entry *spool.Entry, cause error) (kept bool, err error) {
	text := Explain(cause).Error()
	line, err := asideLine{time.Now().UTC(), text, entry.Subject, entry.MessageID, entry.Body}.encode()
	if err != nil {
		return false, err
	}
	kept, err = a.append(a.name, line)
	if err != nil && a.spendReserve() {
		kept, err = a.append(a.name, line)
	}
	if err != nil {
		return false, err
	}
	a.count(asideKind{kept: kept, cause: text}, entry.Subject)
	return kept, nil
}

// encode returns the line with its end. Characters that mean something in HTML stay
// as they are in the event.
func (l asideLine) encode() ([]byte, error) {
	if !json.Valid(l.Event) {
		// Only a damaged body is no JSON. It is kept as text.
		text, err := json.Marshal(string(l.Event))
		if err != nil {
			return nil, err
		}
		l.Event = text
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(l)
	return line.Bytes(), err
}

// appendLine returns false when the file has reached its limit.
func appendLine(name string, line []byte) (kept bool, err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	size := info.Size()
	if size+int64(len(line)) > maxAside {
		return false, nil
	}
	// A crash may have left a line without its end.
	if size > 0 {
		var last [1]byte
		if _, err := file.ReadAt(last[:], size-1); err != nil {
			return false, err
		}
		if last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = file.Write(line)
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return false, errors.Join(err, file.Truncate(size))
	}
	return true, nil
}

// rejection is the message that shows an undeliverable event, cut if need be.
func rejection(prefix string, entry *spool.Entry, cause error, maxPayload int64) *nats.Msg {
	msg := nats.NewMsg(prefix + "." + pixel.Undeliverable.String())
	msg.Data = entry.Body
	if int64(len(msg.Data)) > maxPayload-headroom {
		msg.Data = msg.Data[:min(len(msg.Data), pixel.MaxRejectedQuery)]
	}
	msg.Header["Segment-Reason"] = []string{pixel.Undeliverable.String()}
	msg.Header["Segment-Detail"] = []string{Explain(cause).Error()}
	if source, _, ok := strings.Cut(entry.MessageID, ":"); ok {
		msg.Header["Segment-Source"] = []string{source}
	}
	var event struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(entry.Body, &event) == nil && event.Type != "" {
		msg.Header["Segment-Type"] = []string{event.Type}
	}
	return msg
}
