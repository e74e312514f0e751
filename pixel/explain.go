// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Explain tells what Decode makes of a request, step by step. The verdict is
// Decode's own; the steps are told by going the same way once more.
func (d *Decoder) Explain(typ Type, query string, facts *Facts) *Explanation {
	decoder := *d
	var key secret
	type answer struct {
		source string
		known  bool
	}
	answers := make(map[string]answer)
	// Keys may change at any time, and both ways have to find the same.
	decoder.Source = func(writeKey string) (string, bool) {
		key = secret(writeKey)
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
	event, fail, _ := n.decoder.decode(ws, typ, query, n.facts)
	if !fail.failed() && !ws.suspect {
		return query
	}
	m := n.decoder.mend(query, fail.reason)
	if !m.ok {
		return query
	}
	if again, _, _ := n.decoder.decodeMended(ws, event, fail, "", typ, query, n.facts); again == nil && !fail.reason.isOfPayload() {
		return query
	}
	strict := "it can be read, but not as it was meant"
	if fail.failed() {
		strict = "the strict reading ends with " + fail.reason.String() + " (" + fail.detail + ")"
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
	secret  secret
	steps   []Step

	data   string // the raw value of data
	object []byte // what has been made of it so far
}

// tell ends with the step that fails.
func (n *narrator) tell(query string) {
	if !n.tellQuery(query) {
		return
	}
	for _, step := range []func() bool{
		n.tellData, n.tellFields, n.tellJSON,
		n.tellWriteKey, n.tellIdentity, n.tellTypeRules, n.tellFieldTypes, n.tellOptOut,
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
	return n.secret.scrub(strings.Join(said, "; "))
}

// tellQuery splits the query and says what became of each parameter.
func (n *narrator) tellQuery(query string) bool {
	var names [fateCount][]string
	pairs := 0
	for query != "" {
		var name, value string
		name, value, query = nextPair(query)
		if name == "" && value == "" {
			continue
		}
		pairs++
		is := n.ws.readPair(name, value, n.decoder.Ignored)
		if is == isLater {
			n.ws.later = append(n.ws.later, rawPair{name, value})
			is = isField
		}
		if is == isData {
			switch {
			case n.data != "":
				is = isRepeated
			case value == "":
				is = isEmptyData
			default:
				n.data = value
			}
		}
		shown := shownName(string(appendUnescaped(nil, name)))
		if is == replacesLonger {
			is, shown = isField, shown+" (in place of the longer names that it begins)"
		}
		names[is] = append(names[is], shown)
	}
	n.data = n.ws.readLater(n.data)
	details := []string{counted(pairs, "parameter")}
	if n.data != "" {
		details = append(details, "data, "+counted(len(n.data), "byte"))
	}
	if fields := names[isField]; len(fields) > 0 {
		details = append(details, counted(len(fields), "field")+": "+listed(fields))
	}
	for is, why := range fateTexts {
		if ignored := names[is]; why != "" && len(ignored) > 0 {
			details = append(details, "ignored: "+listed(ignored)+" ("+why+")")
		}
	}
	if n.data == "" && n.ws.params.empty() {
		return n.failed(StepQuery, "", nothingSent, details...)
	}
	return n.passed(StepQuery, "", details...)
}

// tellFields puts the parameters on top of what data held.
func (n *narrator) tellFields() bool {
	f := &n.ws.params
	if f.empty() {
		return true
	}
	var tree string
	if text, err := f.appendJSON(nil, root); err == nil {
		tree = n.secret.excerpt(text, -1)
	}
	object, fail := n.ws.applyParams(n.object)
	if fail.failed() {
		return n.failed(StepFields, tree, fail, n.notUTF8(fail.reason))
	}
	detail := "an object of the parameters, whose values are all text"
	if n.object == nil {
		tree = "" // it is the whole object, which the next step shows
	} else {
		var added, merged []string
		for id := f.nodes[root].firstChild; id != noNode; id = f.nodes[id].next {
			name := shownName(string(f.name(id)))
			if f.nodes[id].merged {
				merged = append(merged, name)
			} else {
				added = append(added, name)
			}
		}
		detail = "on top of what data held"
		if len(merged) > 0 {
			detail += "; over its own: " + listed(merged)
		}
		if len(added) > 0 {
			detail += "; new: " + listed(added)
		}
	}
	n.object = object
	return n.passed(StepFields, tree, detail)
}

// notUTF8 names the first parameter that is not UTF-8, if that is what failed.
func (n *narrator) notUTF8(reason Reason) string {
	f := &n.ws.params
	if reason != NotUTF8 {
		return ""
	}
	for id := range f.nodes {
		node := &f.nodes[id]
		if name := f.name(int32(id)); !utf8.Valid(name) || !node.container && !utf8.Valid(node.text.of(f.text)) {
			return "the parameter is, or is below, " + shownName(string(name))
		}
	}
	return ""
}

// tellJSON looks at the whole object.
func (n *narrator) tellJSON() bool {
	if fail := n.decoder.checkSize(n.object); fail.failed() {
		return n.failed(StepJSON, n.secret.excerpt(n.object, -1), fail)
	}
	layout := &n.ws.scanner.layout
	n.ws.call.object, n.ws.call.layout = n.object, layout
	names := make([]string, len(layout.members))
	for i := range layout.members {
		names[i] = shownName(n.ws.call.nameOf(&layout.members[i]))
	}
	details := []string{counted(len(n.object), "byte") + " of at most " + strconv.Itoa(n.decoder.maxEventSize()), "no members"}
	if len(names) > 0 {
		details[1] = counted(len(names), "member") + ": " + listed(names)
	}
	return n.passed(StepJSON, n.secret.excerpt(n.object, -1), details...)
}

func (c *call) nameOf(m *member) string {
	var s scanner
	return string(s.unquote(m.name.of(c.object)))
}

// shownName makes a name of the payload fit for a line of ours.
func shownName(name string) string {
	const most = 60 // bytes
	name = firstBytes(strings.ToValidUTF8(name, "\ufffd"), most)
	if name == "" || strings.ContainsAny(name, ` ,;"`) || strconv.Quote(name) != `"`+name+`"` {
		return strconv.Quote(name)
	}
	return name
}

// listed joins names, but not very many.
func listed(names []string) string {
	const most = 20
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(names, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
