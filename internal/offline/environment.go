// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// AsService is how a command gets the variables that only the service has.
const AsService = "run this command with the environment of the service: under systemd, as in " +
	"systemd-run --pipe --wait -p User=caddy -p EnvironmentFile=<that of the service> caddy segment-pixel ..."

var envPlaceholder = regexp.MustCompile(`\{env\.([A-Za-z_][A-Za-z0-9_]*)\}`)

// unknownKey begins what stands in the place of a key.
const unknownKey = "\x00"

// IsUnknown tells whether a write key stands for one whose variable is not set here.
func IsUnknown(key string) bool { return strings.HasPrefix(key, unknownKey) }

// withoutUnset puts something into the place of write keys whose variables are not set
// here, so that all the rest of a handler can be looked at, and returns the variables.
// Nobody can send what it puts there.
func withoutUnset(raw json.RawMessage) (json.RawMessage, []string) {
	var handler map[string]json.RawMessage
	var keys []map[string]any
	if json.Unmarshal(raw, &handler) != nil || json.Unmarshal(handler["write_keys"], &keys) != nil {
		return raw, nil
	}
	var unset []string
	for i, key := range keys {
		text, _ := key["key"].(string)
		for _, found := range envPlaceholder.FindAllStringSubmatch(text, -1) {
			if os.Getenv(found[1]) != "" {
				continue
			}
			key["key"] = unknownKey + strconv.Itoa(i)
			if !slices.Contains(unset, found[1]) {
				unset = append(unset, found[1])
			}
		}
	}
	if len(unset) == 0 {
		return raw, nil
	}
	handler["write_keys"], _ = json.Marshal(keys) // it was JSON before
	changed, err := json.Marshal(handler)
	if err != nil {
		return raw, nil
	}
	return changed, unset
}
