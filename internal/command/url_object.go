// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
)

// composedFields are the flags that set one text of the event, in the order in which
// they are written.
var composedFields = []struct{ flag, field, usage string }{
	{"write-key", "writeKey", "The write key"},
	{"user-id", "userId", "Who it was, as you know them"},
	{"anonymous-id", "anonymousId", "Who it was, if you do not know them"},
	{"group-id", "groupId", "The group, for the type group"},
	{"previous-id", "previousId", "The identity so far, for the type alias"},
	{"event", "event", "What happened, for the type track"},
	{"name", "name", "The name of the page, the screen or the group"},
	{"category", "category", "The category of the page or the screen"},
	{"message-id", "messageId", "What makes the event unique: a second one with the same is dropped"},
}

// composedObjects are the flags that set members of the event's objects.
var composedObjects = []struct{ flag, field, usage string }{
	{"property", "properties", "A property as name=value; may be repeated"},
	{"trait", "traits", "A trait as name=value; may be repeated"},
	{"context", "context", "A member of context as name=value, as in campaign.name=Spring; may be repeated"},
}

// composedObject puts the event together: the file of --from, and the other flags on
// top of it.
func composedObject(cmd *cobra.Command, writeKey string) ([]byte, error) {
	flags := cmd.Flags()
	object := make(map[string]any)
	if writeKey != "" {
		object["writeKey"] = writeKey
	}
	if name, _ := flags.GetString("from"); name != "" {
		text, err := readJSON(cmd, name)
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		given, err := parseObject(text)
		if err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
		maps.Copy(object, given)
	}
	var order []string
	for _, field := range composedFields {
		order = append(order, field.field)
		if flags.Changed(field.flag) {
			object[field.field], _ = flags.GetString(field.flag)
		}
	}
	for _, known := range composedObjects {
		order = append(order, known.field)
		values, _ := flags.GetStringArray(known.flag)
		for _, value := range values {
			name, text, found := strings.Cut(value, "=")
			if !found || name == "" {
				return nil, fmt.Errorf("--%s %s is no name=value", known.flag, value)
			}
			if err := setMember(object, strings.Split(known.field+"."+name, "."), text); err != nil {
				return nil, fmt.Errorf("--%s %s: %w", known.flag, value, err)
			}
		}
	}
	return orderedJSON(object, order)
}

// parseObject reads one JSON object. Numbers keep their digits.
func parseObject(text []byte) (map[string]any, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("the event is no JSON: %w", err)
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("the event is no JSON object: write {...}")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object of the event: remove it")
	}
	if !jsontext.Value(text).IsValid() {
		return nil, errors.New("the event repeats a name, or is not UTF-8: correct it")
	}
	return object, nil
}

// setMember sets a text below an object, and makes the objects on its way.
func setMember(object map[string]any, path []string, text string) error {
	for i, name := range path {
		if name == "" {
			return errors.New("a part of the dotted name is empty")
		}
		if i == len(path)-1 {
			if _, isObject := object[name].(map[string]any); isObject {
				return fmt.Errorf("%s is an object already", name)
			}
			object[name] = text
			break
		}
		below, isObject := object[name].(map[string]any)
		if object[name] != nil && !isObject {
			return fmt.Errorf("%s has a value already and is no object", name)
		}
		if below == nil {
			below = make(map[string]any)
			object[name] = below
		}
		object = below
	}
	return nil
}

// orderedJSON writes an object with the named members first, and the others in the
// order of their names.
func orderedJSON(object map[string]any, first []string) ([]byte, error) {
	var others []string
	for name := range object {
		if !slices.Contains(first, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	text := []byte{'{'}
	for _, name := range append(slices.Clone(first), others...) {
		value, present := object[name]
		if !present {
			continue
		}
		var member bytes.Buffer
		encoder := json.NewEncoder(&member)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(map[string]any{name: value}); err != nil {
			return nil, err
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		inner := bytes.TrimSpace(member.Bytes())
		text = append(text, inner[1:len(inner)-1]...)
	}
	return append(text, '}'), nil
}
