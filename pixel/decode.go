// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/mend"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/params"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/mergetag"
)

// DefaultMaxEventSize is Segment's limit for one event, 32 KiB of JSON.
const DefaultMaxEventSize = 32 << 10

// Decoder turns queries into events. Its fields are set before the first call of
// Decode and not changed afterwards; Decode may then be called concurrently.
type Decoder struct {
	// MaxEventSize is how many bytes the client's object may have. Zero means
	// DefaultMaxEventSize.
	MaxEventSize int
	// Ignored holds the parameters that are no fields, such as cache busters.
	Ignored map[string]struct{}
	// Source finds the source that a write key belongs to.
	Source func(writeKey string) (source string, known bool)
	// Suppressed tells who has withdrawn consent, if it is set.
	Suppressed Suppressor
	// Unseal opens the tokens that data may be, if it is set.
	Unseal Unsealer
	// SealRequired rejects what is not sealed, and ignores the parameters beside a token
	// but for those of SealAllows and what is below them.
	SealRequired bool
	SealAllows   []string
	// Version is the version that context.library names.
	Version string
}

// DefaultIgnored are the parameters that page and mail tools add against caches.
func DefaultIgnored() []string {
	return []string{"cb", "cachebuster", "ord", "rnd", "_", "usqp"}
}

// Decode decodes one request. It returns either an event, which the caller has
// to Release, or a rejection.
func (d *Decoder) Decode(typ Type, query string, facts *Facts) (*Event, *Rejection) {
	ws := workspaces.Get().(*workspace)
	v := d.decode(ws, typ, query, facts)
	if ws.suspect || v.fail.failed() && mayBeMended(query, v.fail.reason) {
		v = d.decodeMended(ws, v, typ, query, facts)
	}
	if v.fail.failed() {
		ws.release()
		rejection := Reject(v.fail.reason, v.fail.detail, typ, query, facts)
		rejection.Source = v.source
		if v.consent != given {
			rejection.Hide()
		}
		return nil, rejection
	}
	return v.event, nil
}

// verdict is what decoding comes to: an event, or a failure.
type verdict struct {
	event   *Event
	fail    failure
	source  string // of the write key, empty while that is unknown
	consent consent
}

func (d *Decoder) decode(ws *workspace, typ Type, query string, facts *Facts) (v verdict) {
	if d.Suppressed != nil {
		v.consent = unknown
	}
	ws.reset(d.maxEventSize())
	data := ws.readParams(query, d.Ignored)
	if data == "" && ws.params.Empty() {
		v.fail = nothingSent
		return v
	}
	var object []byte
	if object, v.fail = d.readObject(ws, query, data); !v.fail.failed() {
		v.fail = d.checkSize(object)
	}
	if v.fail.failed() {
		return v
	}
	c := &ws.call
	c.typ, c.object, c.layout, c.repairs, c.sealed = typ, object, &ws.scanner.Object, 0, ws.sealed
	v.source, v.fail = c.check(d.Source, facts)
	if v.consent = d.consentOf(ws); v.consent == withdrawn && !v.fail.failed() {
		v.fail = suppressed
	}
	if !v.fail.failed() {
		v.event = ws.buildEvent(c, v.source, facts, d.Version)
	}
	return v
}

var nothingSent = failure{NoData, "the query has neither data nor a field"}

func (d *Decoder) checkSize(object []byte) failure {
	if len(object) <= d.maxEventSize() {
		return failure{}
	}
	return failure{TooLarge, fmt.Sprintf("%d bytes, at most %d are taken", len(object), d.maxEventSize())}
}

func (d *Decoder) maxEventSize() int {
	if d.MaxEventSize > 0 {
		return d.MaxEventSize
	}
	return DefaultMaxEventSize
}

// readParams walks the query once: it returns the raw value of data and collects
// every other parameter as a field.
func (ws *workspace) readParams(query string, ignored map[string]struct{}) (data string) {
	ws.suspect = strings.HasPrefix(query, "?")
	for query != "" {
		var name, value string
		name, value, query = encoding.NextPair(query)
		switch is := ws.readPair(name, value, ignored); {
		case is == params.IsData && data == "":
			data = value
		case is == params.IsLater:
			ws.later = append(ws.later, rawPair{name, value})
		}
	}
	if len(ws.later) > 0 {
		data = ws.readLater(data)
	}
	return data
}

// readPair takes one parameter that is not data as a field, unless there is a reason
// to ignore it.
func (ws *workspace) readPair(rawName, rawValue string, ignored map[string]struct{}) params.Fate {
	name := ws.paramName(rawName)
	text := ws.params.TextOf(name)
	if string(text) == dataName {
		return params.IsData
	}
	if _, skip := ignored[string(text)]; skip {
		return params.IsIgnored
	}
	if isForLater(text) {
		return params.IsLater
	}
	return ws.addParam(name, rawValue)
}

func (ws *workspace) addParam(name layout.Span, rawValue string) params.Fate {
	value := ws.paramValue(rawValue)
	if value.Len() == 0 && !params.MayBeEmpty(ws.params.TextOf(name)) {
		return params.IsEmptyIdentity
	}
	if hasOddName(ws.params.TextOf(name)) {
		ws.repairs |= RepairedUnescapedTag
	}
	is := ws.params.Add(name, value)
	if is == params.IsRepeated {
		ws.repairs |= RepairedRepetition
	}
	return is
}

// hasOddName tells whether a name has what no parameter is called: it is the rest of a
// value in which an ampersand was not escaped.
func hasOddName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c == '"' || c == '\'' || c == '<' {
			return true
		}
	}
	return false
}

// paramName reads the name of a parameter and drops the "amp;" that an ampersand
// escaped once too often for HTML leaves behind.
func (ws *workspace) paramName(raw string) layout.Span {
	const leftover = "amp;"
	name := ws.params.Unescape(raw)
	odd := strings.IndexByte(raw, ';') >= 0 // a character reference, maybe
	if bytes.HasPrefix(ws.params.TextOf(name), []byte(leftover)) {
		ws.repairs |= RepairedName
		name.Start += int32(len(leftover))
		odd = bytes.IndexByte(ws.params.TextOf(name), ';') >= 0
	}
	ws.suspect = ws.suspect || odd
	if bytes.IndexByte(ws.params.TextOf(name), '[') > 0 {
		var changed bool
		if name, changed = ws.params.Dotted(name); changed {
			ws.repairs |= RepairedBrackets
		}
	}
	return name
}

// paramValue reads the value of a parameter and strips the double quotes that AMP
// leaves around it.
func (ws *workspace) paramValue(raw string) layout.Span {
	if isRawTag(raw) {
		return ws.params.Keep(raw)
	}
	value := ws.params.Unescape(raw)
	ws.suspect = ws.suspect || strings.IndexByte(raw, '%') >= 0 && mend.IsWide(raw)
	if text := ws.params.TextOf(value); len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		ws.repairs |= RepairedQuotes
		value.Start++
		value.End--
	}
	return value
}

// isRawTag tells whether a raw value is a merge tag between percent signs, of which the
// beginning may look like an escape.
func isRawTag(raw string) bool {
	n := len(raw)
	return n > 2 && raw[0] == '%' && raw[n-1] == '%' && mergetag.Is([]byte(raw))
}

// readObject brings data and the parameters together into one scanned object.
func (ws *workspace) readObject(data string) (object []byte, fail failure) {
	if data != "" {
		object, fail = ws.readData(data)
		switch {
		case fail.reason == NoData && !ws.params.Empty():
			// Nothing but white space: the parameters stand alone.
			object = nil
		case fail.failed():
			return nil, fail
		case ws.params.Empty():
			return object, failure{}
		}
	}
	return ws.applyParams(object)
}

// applyParams writes the parameters as an object of their own, or on top of the
// object that data held.
func (ws *workspace) applyParams(object []byte) ([]byte, failure) {
	if ws.params.TooLarge {
		return nil, failure{TooLarge, "the fields are larger than an event may be"}
	}
	var err error
	if object == nil {
		ws.merged, err = ws.params.AppendObject(ws.merged[:0])
	} else {
		ws.merged, err = ws.params.AppendOnto(ws.merged[:0], object, &ws.scanner)
	}
	if err != nil {
		return nil, failure{NotUTF8, "a parameter is not UTF-8"}
	}
	return ws.merged, failureOf(ws.scanner.ScanOwn(ws.merged))
}

// readData finds the object in the raw value of data. What arrives as it was
// sent takes the first branch and is copied once, by base64 itself.
func (ws *workspace) readData(raw string) ([]byte, failure) {
	decoded, _, end := encoding.AppendBase64(ws.decoded[:0], raw)
	ws.decoded = decoded
	if end == encoding.Whole {
		object := ws.dropMark(decoded)
		fail := failureOf(ws.scanner.Scan(object))
		if !fail.failed() {
			return object, fail
		}
		if encoding.HasOneReading(raw) {
			return nil, orCaseMangled(fail, encoding.TrimPadding(raw))
		}
	}
	return ws.readMangled(raw)
}

// readMangled undoes what happens to a URL on its way through templates, mail
// and proxies.
func (ws *workspace) readMangled(raw string) ([]byte, failure) {
	ws.repairs &^= RepairedMark
	trimmed := encoding.TrimCutEscape(raw)
	if trimmed == "" {
		return nil, failure{BadBase64, "data is half of a percent escape"}
	}
	ws.text = encoding.AppendMarked(ws.text[:0], trimmed, false)
	text := ws.dropMark(encoding.TrimLeftBlank(ws.text))
	if !isPlainJSON(text) && bytes.IndexByte(text, '%') >= 0 {
		ws.repairs |= RepairedEscaping
		ws.again = encoding.AppendMarked(ws.again[:0], text, true)
		text = ws.dropMark(encoding.TrimLeftBlank(ws.again))
	}
	ws.unescaped = text
	// Mail that has put 3D in front of data has done so to the other values as well.
	ws.suspect = ws.suspect || !ws.params.Empty() && bytes.HasPrefix(text, []byte(encoding.EqualsOfMail))
	if isPlainJSON(text) {
		return ws.readPlainJSON(text)
	}
	if bytes.HasPrefix(text, []byte("[")) && json.Valid(plusAsSpace(text)) {
		return nil, failure{NotObject, "data holds an array"}
	}
	return ws.readBase64(text)
}

func isPlainJSON(text []byte) bool {
	text = encoding.TrimLeftBlank(text)
	return len(text) > 0 && text[0] == '{'
}

// readPlainJSON takes text that is the object itself, where a literal plus sign
// is a space.
func (ws *workspace) readPlainJSON(text []byte) ([]byte, failure) {
	ws.decoded = append(ws.decoded[:0], text...)
	for i, c := range ws.decoded {
		if c == encoding.LostPlus {
			ws.decoded[i] = ' '
		}
	}
	ws.suspect = ws.suspect || mend.IsWide(ws.decoded)
	return ws.decoded, failureOf(ws.scanner.Scan(ws.decoded))
}

// readBase64 tries each reading of the ambiguous bytes until one yields an
// object. Where none does, the failure of the most likely one is reported.
func (ws *workspace) readBase64(text []byte) ([]byte, failure) {
	var first failure
	for i, as := range encoding.Readings {
		ws.digits = encoding.AppendDigits(ws.digits[:0], text, as)
		object, fail := ws.readDigits()
		if !fail.failed() {
			if bytes.IndexByte(text, ' ') >= 0 || len(ws.digits) != len(bytes.TrimRight(text, "=")) {
				ws.repairs |= RepairedBase64
			}
			return object, fail
		}
		if i == 0 {
			first = fail
		}
		if !encoding.IsAmbiguous(text) {
			break
		}
	}
	return nil, first
}

func (ws *workspace) readDigits() ([]byte, failure) {
	decoded, at, end := encoding.AppendBase64(ws.decoded[:0], ws.digits)
	ws.decoded = decoded
	var fail failure
	switch {
	case len(ws.digits) == 0:
		return nil, failure{NoData, "data holds nothing but white space"}
	case end == encoding.AtForeign:
		fail = failure{BadBase64, fmt.Sprintf("byte %d is no base64 digit", at)}
	case end == encoding.Early:
		fail = failure{Truncated, fmt.Sprintf("the base64 text ends early, after %d digits", at)}
	default:
		object := ws.dropMark(decoded)
		if fail = failureOf(ws.scanner.Scan(object)); !fail.failed() {
			return object, fail
		}
	}
	return nil, orCaseMangled(fail, ws.digits)
}

// orCaseMangled returns the failure, or that of letter case if it explains it.
func orCaseMangled[Text string | []byte](fail failure, digits Text) failure {
	if notJSON(fail.reason) && encoding.IsHexadecimal(digits) {
		return failure{BadBase64, "data is hexadecimal, which is not read"}
	}
	if notJSON(fail.reason) && encoding.IsCaseMangled(digits) {
		return caseMangled
	}
	return fail
}

var caseMangled = failure{CaseMangled, "data has no upper-case letter: something lower-cased the URL"}

// notJSON tells whether a reason means that the payload was no JSON at all.
func notJSON(reason Reason) bool {
	return reason == Truncated || reason == NotUTF8 || reason == BadJSON
}

const byteOrderMark = "\ufeff"

func (ws *workspace) dropMark(text []byte) []byte {
	rest, found := bytes.CutPrefix(text, []byte(byteOrderMark))
	if found {
		ws.repairs |= RepairedMark
	}
	return rest
}
