// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"strconv"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/params"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/shown"
)

// Explain tells what Decode makes of a request, step by step. The verdict is
// Decode's own; the steps are told by going the same way once more.
func (d *Decoder) Explain(typ Type, query string, facts *Facts) *Explanation {
	decoder := *d
	var key shown.Secret
	type answer struct {
		source string
		known  bool
	}
	answers := make(map[string]answer)
	// Keys may change at any time, and both ways have to find the same.
	decoder.Source = func(writeKey string) (string, bool) {
		key = shown.Secret(writeKey)
		a, asked := answers[writeKey]
		if !asked {
			a.source, a.known = d.Source(writeKey)
			answers[writeKey] = a
		}
		return a.source, a.known
	}
	event, rejection := decoder.Decode(typ, query, facts)
	n := narrator{decoder: &decoder, facts: facts, event: event, ws: new(workspace)}
	n.ws.reset(decoder.maxEventSize())
	n.ws.call.typ = typ

	var x *Explanation
	if rejection != nil {
		x = ExplainRejection(rejection)
		n.lowered = rejection.Reason == CaseMangled
	} else {
		x = explainEvent(event)
		defer event.Release()
	}
	n.secret = key
	n.tell(n.tellMended(typ, query))
	x.Steps = n.steps
	return x
}

// tellMended says whether the strict reading fails and what mending makes of the query, and
// returns the query that is read on.
func (n *narrator) tellMended(typ Type, query string) string {
	ws := new(workspace)
	first := n.decoder.decode(ws, typ, query, n.facts)
	if !first.fail.failed() && !ws.suspect {
		return query
	}
	m := n.decoder.mend(query, first.fail.reason)
	if !m.ok {
		return query
	}
	again := n.decoder.decodeMended(ws, first, typ, query, n.facts)
	if again.event == first.event && again.fail.reason == first.fail.reason {
		return query // mending was of no help
	}
	strict := "it can be read, but not as it was meant"
	if first.fail.failed() {
		strict = "the strict reading ends with " + first.fail.reason.String() + " (" + first.fail.detail + ")"
	}
	return n.passMended(strict, m)
}

func (n *narrator) passMended(strict string, m mended) string {
	n.passed(StepMended, "", strict, "what was mended: "+strings.Join(m.repairs.Names(), ", "))
	return m.query
}

// narrator goes the way of Decode through the same functions, and looks at what is
// there after each.
type narrator struct {
	decoder *Decoder
	facts   *Facts
	event   *Event // nil if the request is rejected
	ws      *workspace
	secret  shown.Secret
	lowered bool // the request is rejected because its letters are all small
	steps   []Step

	query  string // what is read
	data   string // the raw value of data
	object []byte // what has been made of it so far
}

// tell ends with the step that fails.
func (n *narrator) tell(query string) {
	n.query = query
	if !n.tellQuery(query) {
		return
	}
	for _, step := range []func() bool{
		n.tellData, n.tellFields, n.tellJSON,
		n.tellWriteKey, n.tellIdentity, n.tellTypeRules, n.tellFieldTypes, n.tellOptOut, n.tellConsent,
	} {
		if !step() {
			return
		}
	}
	n.tellTimes()
	n.tellEvent()
}

// passed adds a step that went well, with what there is to say of it.
func (n *narrator) passed(name, text string, details ...string) bool {
	n.steps = append(n.steps, Step{Name: name, OK: true, Detail: n.join(details), Text: text})
	return true
}

// failed adds the step at which decoding ends, with what helps besides the detail
// that every surface shows.
func (n *narrator) failed(name, text string, fail failure, notes ...string) bool {
	detail := n.join(append([]string{fail.detail}, notes...))
	n.steps = append(n.steps, Step{Name: name, Detail: detail, Text: text})
	return false
}

func (n *narrator) join(details []string) string {
	var said []string
	for _, detail := range details {
		if detail != "" {
			said = append(said, detail)
		}
	}
	return n.secret.Scrub(strings.Join(said, "; "))
}

// tellQuery splits the query and says what became of each parameter.
func (n *narrator) tellQuery(query string) bool {
	var names [params.FateCount][]string
	pairs := 0
	for query != "" {
		var name, value string
		name, value, query = encoding.NextPair(query)
		if name == "" && value == "" {
			continue
		}
		pairs++
		is := n.ws.readPair(name, value, n.decoder.Ignored)
		if is == params.IsLater {
			n.ws.later = append(n.ws.later, rawPair{name, value})
			is = params.IsField
		}
		if is == params.IsData {
			switch {
			case n.data != "":
				is = params.IsRepeated
			case value == "":
				is = params.IsEmptyData
			default:
				n.data = value
			}
		}
		label := shown.Name(string(encoding.AppendUnescaped(nil, name)))
		if is == params.ReplacesLonger {
			is, label = params.IsField, label+" (in place of the longer names that it begins)"
		}
		names[is] = append(names[is], label)
	}
	n.data = n.ws.readLater(n.data)
	details := []string{shown.Counted(pairs, "parameter")}
	if n.data != "" {
		details = append(details, "data, "+shown.Counted(len(n.data), "byte"))
	}
	if fields := names[params.IsField]; len(fields) > 0 {
		details = append(details, shown.Counted(len(fields), "field")+": "+shown.Listed(fields))
	}
	for is, why := range params.FateTexts {
		if ignored := names[is]; why != "" && len(ignored) > 0 {
			details = append(details, "ignored: "+shown.Listed(ignored)+" ("+why+")")
		}
	}
	if n.data == "" && n.ws.params.Empty() {
		return n.failed(StepQuery, "", nothingSent, details...)
	}
	return n.passed(StepQuery, "", details...)
}

// tellFields puts the parameters on top of what data held.
func (n *narrator) tellFields() bool {
	f := &n.ws.params
	if f.Empty() {
		return true
	}
	var tree string
	if text, err := f.AppendObject(nil); err == nil {
		tree = n.secret.Excerpt(text, -1)
	}
	object, fail := n.ws.applyParams(n.object)
	if fail.failed() {
		return n.failed(StepFields, tree, fail, n.notUTF8(fail.reason))
	}
	detail := "an object of the parameters, whose values are all text"
	if n.object == nil {
		tree = "" // it is the whole object, which the next step shows
	} else {
		merged, added := f.FirstLevel(shown.Name)
		detail = "on top of what data held"
		if len(merged) > 0 {
			detail += "; over its own: " + shown.Listed(merged)
		}
		if len(added) > 0 {
			detail += "; new: " + shown.Listed(added)
		}
	}
	n.object = object
	return n.passed(StepFields, tree, detail)
}

// notUTF8 names the first parameter that is not UTF-8, if that is what failed.
func (n *narrator) notUTF8(reason Reason) string {
	if reason != NotUTF8 {
		return ""
	}
	if name, found := n.ws.params.FirstNotUTF8(); found {
		return "the parameter is, or is below, " + shown.Name(name)
	}
	return ""
}

// tellJSON looks at the whole object.
func (n *narrator) tellJSON() bool {
	if fail := n.decoder.checkSize(n.object); fail.failed() {
		return n.failed(StepJSON, n.secret.Excerpt(n.object, -1), fail)
	}
	seen := &n.ws.scanner.Object
	n.ws.call.object, n.ws.call.layout = n.object, seen
	names := make([]string, len(seen.Members))
	for i := range seen.Members {
		names[i] = shown.Name(n.ws.call.nameOf(&seen.Members[i]))
	}
	details := []string{shown.Counted(len(n.object), "byte") + " of at most " + strconv.Itoa(n.decoder.maxEventSize()), "no members"}
	if len(names) > 0 {
		details[1] = shown.Counted(len(names), "member") + ": " + shown.Listed(names)
	}
	return n.passed(StepJSON, n.secret.Excerpt(n.object, -1), details...)
}

func (c *call) nameOf(m *layout.Member) string {
	var s layout.Scanner
	return string(s.Unquote(m.Name.Of(c.object)))
}
