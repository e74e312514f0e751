// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/layout"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/shown"
)

// tellData reads the value of data, and says what had been done to it on its way.
// What it decodes to is told here only if that is no object.
func (n *narrator) tellData() bool {
	if n.data == "" && (n.decoder.Unseal == nil || !n.decoder.SealRequired) {
		return true
	}
	if n.decoder.Unseal != nil {
		if token, sealed := tokenOf(n.data); sealed || n.decoder.SealRequired {
			return n.tellSeal(token, sealed)
		}
	}
	object, fail := n.ws.readData(n.data)
	if fail.reason == NoData && !n.ws.params.Empty() {
		return n.passed(StepData, "", "nothing but white space: the other parameters stand alone")
	}
	repairs := n.ws.repairs
	if fail.failed() && !n.isPlain() && len(n.ws.text) > 0 {
		// The failure is that of the first reading, and others may have followed.
		n.ws.digits = encoding.AppendDigits(n.ws.digits[:0], n.ws.unescaped, encoding.Readings[0])
		_, fail = n.ws.readDigits()
	}
	details := n.mended(repairs)
	if fail.failed() && fail.reason != CaseMangled && n.lowered {
		return n.failed(StepData, "", caseMangled, append(details, "something stands behind data as well")...)
	}
	if at, broken := n.brokenBase64(fail.reason); broken {
		return n.failed(StepData, n.soFar(at), fail, append(details, n.wrongByte(fail.reason, at), n.leftovers(), n.unopened())...)
	}
	n.passed(StepData, "", append(details, n.whatDataIs())...)
	if !fail.failed() {
		n.object = object
		return true
	}
	text := bytes.TrimPrefix(n.ws.decoded, []byte(byteOrderMark))
	return n.failed(StepJSON, n.secret.Excerpt(text, n.wrongAt(fail.reason, text)), fail, n.doubt(text), n.unfilled("data", text))
}

// tellSeal opens a token. What is in it is not shown.
func (n *narrator) tellSeal(token string, sealed bool) bool {
	if !sealed {
		return n.failed(StepData, "", notSealed)
	}
	object, fail := n.decoder.unseal(n.ws, n.query, token)
	if fail.reason == BadSeal {
		return n.failed(StepData, "", fail)
	}
	n.passed(StepData, "", "a token, "+shown.Counted(len(token), "byte")+", which a key of the file opens")
	if fail.failed() {
		return n.failed(StepJSON, "", fail)
	}
	n.object, n.ws.call.sealed = object, n.ws.sealed
	return true
}

// unopened tells of a token for which there are no keys.
func (n *narrator) unopened() string {
	if token, sealed := tokenOf(n.data); n.decoder.Unseal == nil && sealed && strings.Count(token, ".") >= 2 {
		return "it looks like a sealed pixel: name the file of its keys with seal in the configuration, or with --seal"
	}
	return ""
}

// isPlain tells whether data turned out to be the object itself.
func (n *narrator) isPlain() bool { return isPlainJSON(n.ws.unescaped) }

// isMangled tells whether data was anything but base64 as it stands.
func (n *narrator) isMangled() bool { return len(n.ws.text) > 0 }

// base64 is the base64 text that was read last.
func (n *narrator) base64() []byte {
	if n.isMangled() {
		return n.ws.digits
	}
	return []byte(encoding.TrimPadding(n.data))
}

// brokenBase64 tells whether base64 is what failed, and where.
func (n *narrator) brokenBase64(reason Reason) (at int, broken bool) {
	switch reason {
	case NoData, CaseMangled:
		return 0, true
	case BadBase64, Truncated:
		if n.isPlain() {
			return 0, false
		}
		_, at, end := encoding.AppendBase64(nil, n.base64())
		return at, end != encoding.Whole
	}
	return 0, false
}

// wrongByte shows the byte that is no base64 digit.
func (n *narrator) wrongByte(reason Reason, at int) string {
	text := n.base64()
	if reason != BadBase64 || at >= len(text) {
		return ""
	}
	if c := text[at]; ' ' < c && c <= '~' {
		return fmt.Sprintf("the byte is %q", string(c))
	} else if c < ' ' {
		return fmt.Sprintf("the byte is a control character, 0x%02x", c)
	}
	return "the byte is no ASCII character"
}

// soFar shows what the base64 in front of the byte that is none decodes to, if that is
// the beginning of an object.
func (n *narrator) soFar(at int) string {
	text := n.base64()
	decoded, _, _ := encoding.AppendBase64(nil, text[:min(at, len(text))])
	if !isPlainJSON(decoded) {
		return ""
	}
	return n.secret.Excerpt(decoded, len(decoded))
}

// leftovers names what often stands where base64 should.
func (n *narrator) leftovers() string {
	text := n.ws.unescaped
	if note := n.unfilled("data", text); note != "" {
		return note
	}
	for i := range text {
		if _, size := encoding.UnescapeByte(text[i:]); size > 1 {
			return "data is percent-encoded more than twice"
		}
	}
	return ""
}

// mended lists what was undone to get at the payload.
func (n *narrator) mended(repairs Repair) []string {
	if !n.isMangled() {
		if repairs&RepairedMark != 0 {
			return []string{"a byte order mark dropped"}
		}
		return nil
	}
	var details []string
	escapes := 0
	for rest := n.data; rest != ""; {
		_, size := encoding.UnescapeByte(rest)
		rest = rest[size:]
		escapes += size / 3
	}
	if escapes > 0 {
		details = append(details, shown.Counted(escapes, "percent escape")+" undone")
	}
	if repairs&RepairedEscaping != 0 {
		details = append(details, "percent-encoded twice: undone a second time")
	}
	if repairs&RepairedMark != 0 {
		details = append(details, "a byte order mark dropped")
	}
	if !n.isPlain() {
		details = append(details, n.mendedBase64()...)
	}
	return details
}

// mendedBase64 lists what was left out of base64 text, or restored in it.
func (n *narrator) mendedBase64() []string {
	text, digits := n.ws.unescaped, n.ws.digits
	var details []string
	if bytes.HasPrefix(encoding.TrimLeftBlank(text), []byte(encoding.EqualsOfMail)) {
		details = append(details, "the 3D dropped that mail made of an equals sign")
	}
	if lower := bytes.ToLower(text); bytes.HasSuffix(trimTail(lower), []byte("=3d")) {
		details = append(details, "padding that mail made =3D of dropped")
	}
	spaces, literal := bytes.Count(text, []byte(" ")), bytes.Count(text, []byte{encoding.LostPlus})
	text = encoding.TrimBase64(text)
	kept := bytes.Count(digits, []byte("+")) - bytes.Count(text, []byte("+"))
	blanks := spaces
	if fromSpaces := kept - bytes.Count(text, []byte{encoding.LostPlus}); fromSpaces > 0 {
		details = append(details, shown.Counted(fromSpaces, "space")+" read as plus signs")
		blanks -= fromSpaces
	}
	if kept == 0 && literal > 0 {
		details = append(details, shown.Counted(literal, "plus sign")+" read as white space")
	}
	if blanks > 0 {
		details = append(details, shown.Counted(blanks, "space")+" dropped")
	}
	if breaks := bytes.Count(n.ws.unescaped, []byte("\n")) + bytes.Count(n.ws.unescaped, []byte("\t")); breaks > 0 {
		details = append(details, shown.Counted(breaks, "line break or tab")+" dropped")
	}
	return details
}

// trimTail drops white space and padding from the end.
func trimTail(text []byte) []byte {
	return bytes.TrimRightFunc(text, func(r rune) bool { return r == '=' || strings.ContainsRune(" \r\n\t", r) })
}

// whatDataIs says what data was when everything had been undone.
func (n *narrator) whatDataIs() string {
	if n.isPlain() {
		return "a JSON object as plain text, " + shown.Counted(len(n.ws.decoded), "byte")
	}
	return shown.Counted(len(encoding.TrimPadding(n.base64())), "base64 digit") + ", " + shown.Counted(len(n.ws.decoded), "byte")
}

// wrongAt is where the text stops being the JSON of an object, or -1 where that is
// no question of a place.
func (n *narrator) wrongAt(reason Reason, text []byte) int {
	switch reason {
	case Truncated:
		return len(text)
	case NotUTF8:
		return layout.InvalidAt(text)
	case BadJSON:
		return n.ws.scanner.StoppedAt()
	default:
		return -1
	}
}

// doubt says whether the payload looks as if it had never been JSON.
func (n *narrator) doubt(text []byte) string {
	text = bytes.TrimLeft(text, " \r\n\t")
	if len(text) == 0 || text[0] == '{' || text[0] == '[' || text[0] == '"' {
		return ""
	}
	return "what data decodes to does not begin with {: it may be no JSON, or no base64"
}
