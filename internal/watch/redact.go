// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// hidden stands where a value was.
const hidden = "(hidden)"

// fieldName is what names of parameters look like. Anything else may be a value that
// has lost its name, or an object that was not encoded.
var fieldName = regexp.MustCompile(`^[A-Za-z0-9_.$-]{1,64}$`)

// redactQuery keeps the names of the parameters.
func redactQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		switch {
		case pair == "":
		case !found || !fieldName.MatchString(name):
			pairs[i] = hidden
		case value != "":
			pairs[i] = name + "=" + hidden
		}
	}
	return strings.Join(pairs, "&")
}

// redactJSON keeps the names and the structure of an object. It returns nothing if
// the text is no JSON.
func redactJSON(text []byte) []byte {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	var out bytes.Buffer
	encoder := jsontext.NewEncoder(&out)
	for {
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes())
		}
		if err != nil {
			return nil
		}
		if isValue(token.Kind()) && !isName(decoder) {
			token = jsontext.String(hidden)
		}
		if err := encoder.WriteToken(token); err != nil {
			return nil
		}
	}
}

func isValue(kind jsontext.Kind) bool {
	return kind == '"' || kind == '0' || kind == 't' || kind == 'f'
}

// isName tells whether the token that was read last is the name of a member.
func isName(decoder *jsontext.Decoder) bool {
	kind, count := decoder.StackIndex(decoder.StackDepth())
	return kind == '{' && count%2 == 1
}
