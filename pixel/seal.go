// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
	"strings"

	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/encoding"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/mend"
)

// Unsealer opens a JOSE compact token. It returns the object that was sealed, and the
// source of the key if that has one. Why a token cannot be opened is not said: that would
// be a clue for whoever makes them up.
type Unsealer func(token string) (object []byte, source string, ok bool)

var (
	notSealed = failure{NotSealed, "data is no token"}
	badSeal   = failure{BadSeal, "the token cannot be opened"}
)

// readObject brings data and the parameters together, opening data if it is sealed.
func (d *Decoder) readObject(ws *workspace, query, data string) (object []byte, fail failure) {
	if d.Unseal == nil {
		return ws.readObject(data)
	}
	token, sealed := tokenOf(data)
	switch {
	case !sealed && d.SealRequired:
		return nil, notSealed
	case !sealed:
		return ws.readObject(data)
	}
	if object, fail = d.unseal(ws, query, token); fail.failed() || ws.params.Empty() {
		return object, fail
	}
	return ws.applyParams(object)
}

// unseal opens a token. If that is required, only the allowed ones of the parameters
// are left.
func (d *Decoder) unseal(ws *workspace, query, token string) ([]byte, failure) {
	object, source, ok := d.Unseal(token)
	if !ok {
		return nil, badSeal
	}
	if d.SealRequired {
		ws.reset(d.maxEventSize())
		ws.readAllowed(query, d.SealAllows)
	}
	ws.sealed = source
	ws.decoded = append(ws.decoded[:0], object...)
	return ws.decoded, failureOf(ws.scanner.Scan(ws.decoded))
}

// readAllowed collects the parameters that may stand beside a token.
func (ws *workspace) readAllowed(query string, allowed []string) {
	for query != "" {
		var rawName, rawValue string
		rawName, rawValue, query = encoding.NextPair(query)
		name := ws.paramName(rawName)
		for _, one := range allowed {
			rest, found := strings.CutPrefix(string(ws.params.TextOf(name)), one)
			if found && (rest == "" || rest[0] == '.') {
				ws.addParam(name, rawValue)
				break
			}
		}
	}
}

// fewestDots are in a token: those of JWS. A dot is no digit of base64.
const fewestDots = 2

// tokenOf returns the token that the raw value of data is, if it looks like one. Nothing
// else does.
func tokenOf(data string) (token string, ok bool) {
	if strings.IndexByte(data, '.') < 0 && !strings.Contains(data, "%2E") && !strings.Contains(data, "%2e") {
		return "", false
	}
	token = strings.TrimSpace(string(encoding.AppendUnescaped(nil, data)))
	if strings.Count(token, ".") < fewestDots {
		return "", false
	}
	for i := range len(token) {
		switch c := token[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '=':
		default:
			return "", false
		}
	}
	return token, true
}

// mendToken undoes what the way to here has done to a token: it tells whether data is one
// then.
func (m *queryMender) mendToken() bool {
	t := mendedText{text: encoding.AppendUnescaped(nil, m.data)}
	t.apply(RepairedEscaping, unescape)
	if bytes.Count(t.text, []byte(".")) < fewestDots {
		return false
	}
	t.apply(RepairedHTML, mend.References)
	t.apply(RepairedInvisible, mend.Invisible)
	t.apply(RepairedWrapping, mend.Wrapping)
	t.apply(RepairedBase64, func(text []byte) ([]byte, bool) {
		rest := bytes.Join(bytes.Fields(mend.SoftBreaks(text, true)), nil)
		rest = bytes.TrimPrefix(rest, []byte(encoding.EqualsOfMail))
		return rest, len(rest) != len(text)
	})
	token, ok := tokenOf(string(t.text))
	if ok {
		m.data = token
		m.repairs |= t.repairs
	}
	return ok
}
