// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/fetcher"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/shown"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

func (n *narrator) tellWriteKey() bool {
	c := &n.ws.call
	if c.sealed != "" {
		return n.passed(StepWriteKey, "", "none is needed: the key of the seal has the source "+c.sealed)
	}
	source, fail := c.checkWriteKey(n.decoder.Source)
	key := string(c.text(layout.WriteKey))
	switch fail.reason {
	case Accepted:
		detail := shown.Counted(len(key), "byte")
		if c.repairs&RepairedSpaces != 0 {
			detail += ", without the white space around it"
		}
		if source != "" {
			detail += ", of the source " + source
		}
		return n.passed(StepWriteKey, "", detail)
	case NoWriteKey:
		return n.failed(StepWriteKey, "", fail, n.kindOf(layout.WriteKey, '"'), n.misspelt("writeKey"))
	default:
		return n.failed(StepWriteKey, "", fail, "it has "+shown.Counted(len(key), "byte"), n.unfilled("it", []byte(key)))
	}
}

func (n *narrator) tellIdentity() bool {
	if fail := n.ws.call.checkIdentity(); fail.failed() {
		return n.failed(StepIdentity, "", fail, n.misspelt("userId"), n.misspelt("anonymousId"))
	}
	details := []string{n.shownField(layout.UserID, "userId"), n.shownField(layout.AnonymousID, "anonymousId")}
	if details[0] == "" {
		details = append(details, n.misspelt("userId"))
	}
	return n.passed(StepIdentity, "", details...)
}

func (n *narrator) tellTypeRules() bool {
	c := &n.ws.call
	var needs []string
	switch c.typ {
	case Track:
		needs = []string{"event"}
	case Group:
		needs = []string{"groupId"}
	case Alias:
		needs = []string{"userId", "previousId", "anonymousId"}
	}
	fail := c.checkType()
	details := make([]string, len(needs)+1)
	for i, name := range needs {
		if f := layout.FieldOf([]byte(name)); !fail.failed() {
			details[i] = n.shownField(f, name)
		} else if c.typ == Track && c.member(f).Present() {
			details[i] = n.kindOf(f, '"')
		} else {
			details[i] = n.misspelt(name)
		}
	}
	switch {
	case fail.failed():
		return n.failed(StepTypeRules, "", fail, details...)
	case len(needs) == 0:
		details[0] = "a " + c.typ.String() + " needs nothing more"
	}
	return n.passed(StepTypeRules, "", details...)
}

func (n *narrator) tellFieldTypes() bool {
	c := &n.ws.call
	fail := c.checkFieldTypes()
	if !fail.failed() {
		return n.passed(StepFieldTypes, "", "every field that the specification knows has its type")
	}
	for i := range c.layout.Members {
		m := &c.layout.Members[i]
		name, _, _ := strings.Cut(fail.detail, " ")
		if string(m.Name.Of(c.object)) == name {
			return n.failed(StepFieldTypes, n.secret.Excerpt(m.Value.Of(c.object), -1), fail, "it is "+shown.Kind(m.Kind))
		}
	}
	return n.failed(StepFieldTypes, "", fail)
}

func (n *narrator) tellOptOut() bool {
	if fail := checkOptOut(n.facts); fail.failed() {
		return n.failed(StepOptOut, "", fail, "the site honours that")
	}
	return n.passed(StepOptOut, "", "no signal against tracking that the site honours")
}

func (n *narrator) tellConsent() bool {
	switch {
	case n.decoder.Suppressed == nil:
		return true
	case n.decoder.consentOf(n.ws) == withdrawn:
		return n.failed(StepConsent, "", suppressed)
	}
	return n.passed(StepConsent, "", "nobody whom it names has withdrawn consent")
}

// tellTimes says what the client's times were taken for.
func (n *narrator) tellTimes() {
	c := &n.ws.call
	var repairs Repair
	var details []string
	for _, known := range []struct {
		field layout.Field
		name  string
	}{
		{layout.OriginalTimestamp, "originalTimestamp"}, {layout.Timestamp, "timestamp"}, {layout.SentAt, "sentAt"},
	} {
		if _, parsed := c.time(known.field, &repairs); !parsed && c.member(known.field).Present() {
			details = append(details, known.name+" cannot be parsed and counts as absent")
		}
	}
	_, hasSent := c.time(layout.SentAt, &repairs)
	_, hasClient := c.time(layout.Timestamp, &repairs)
	_, hasOriginal := c.time(layout.OriginalTimestamp, &repairs)
	t := c.times(n.event.Received, &repairs)
	from := "the time of receipt"
	switch {
	case hasSent && (hasOriginal || hasClient) && t.event.Sub(t.received) == t.original.Sub(t.sent):
		from = "receivedAt - (sentAt - originalTimestamp)"
	case hasClient:
		from = "the client's"
	}
	n.passed(StepTimes, "", append(details, "timestamp is "+from+": "+shownTime(t.event))...)
}

func shownTime(t time.Time) string { return strings.Trim(string(appendTime(nil, t)), `"`) }

// tellEvent says what the envelope has that the client did not send.
func (n *narrator) tellEvent() {
	c := &n.ws.call
	id := "messageId made by the server"
	switch {
	case bytes.Equal(c.text(layout.MessageID), []byte(n.event.MessageID)):
		id = "messageId of the client"
	case c.member(layout.MessageID).Present():
		id += ": that of the client is empty, no text or too long"
	}
	fetched := ""
	if fetch := n.event.Fetch; fetch.Kind != fetcher.None {
		fetched = "fetched by " + fetch.String() + ", machine: " + fetch.Kind.Machine()
		if n.facts.FetchReason != "" {
			fetched += " (" + n.facts.FetchReason + ")"
		}
	}
	n.passed(StepEvent, "", shown.Counted(len(n.event.Body), "byte"), id, fetched)
}

// shownField shows a field of the object, and whether its value was meant to be
// another one.
func (n *narrator) shownField(f layout.Field, name string) string {
	m := n.ws.call.member(f)
	if !m.Present() {
		return ""
	}
	const most = 100 // bytes
	value := m.Value.Of(n.ws.call.object)
	text := name + " " + shown.First(string(value), most)
	if note := n.unfilled(name, value); note != "" {
		text += "; " + note
	}
	return text
}

// unfilled tells of a merge tag that arrived as it stands in the template.
func (n *narrator) unfilled(name string, value []byte) string {
	if tags := mergetag.All(string(value)); len(tags) > 0 {
		return name + " holds a merge tag that was not filled in: " + shown.Name(n.secret.Excerpt([]byte(tags[0]), -1))
	}
	return ""
}

// kindOf tells of which JSON type a field is, if it is not of the wanted one.
func (n *narrator) kindOf(f layout.Field, want jsontext.Kind) string {
	if m := n.ws.call.member(f); m.Kind != 0 && m.Kind != want {
		return "it is " + shown.Kind(m.Kind)
	}
	return ""
}

// misspelt finds names that differ from the wanted one in letter case or in what
// separates their words.
func (n *narrator) misspelt(want string) string {
	c := &n.ws.call
	for i := range c.layout.Members {
		if name := c.nameOf(&c.layout.Members[i]); name != want && shown.LikeName(name, want) {
			return "there is " + shown.Name(name) + ", which has to be spelt " + want
		}
	}
	return ""
}
