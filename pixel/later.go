// SPDX-License-Identifier: Apache-2.0

package pixel

import (
	"bytes"
)

// campaignName is Segment's name in context.campaign for what a parameter says of the
// campaign.
func campaignName(parameter []byte) string {
	switch string(parameter) {
	case "utm_source":
		return "context.campaign.source"
	case "utm_medium":
		return "context.campaign.medium"
	case "utm_campaign":
		return "context.campaign.name"
	case "utm_term":
		return "context.campaign.term"
	case "utm_content":
		return "context.campaign.content"
	}
	return ""
}

// isForLater tells whether a parameter of this name gives way to others: it says where
// somebody comes from, or its name has another letter case than those that count.
func isForLater(name []byte) bool {
	switch {
	case len(name) == 0:
		return false
	case name[0] == 'u':
		return len(name) > len("utm_") && campaignName(name) != ""
	case name[0]|0x20 == 'd':
		return len(name) == len(dataName) && bytes.EqualFold(name, []byte(dataName))
	case name[0]|0x20 == 'w':
		return len(name) == len(keyName) && string(name) != keyName && bytes.EqualFold(name, []byte(keyName))
	}
	return false
}

const keyName = "writeKey"

// readLater takes the parameters that give way, now that all others are known.
func (ws *workspace) readLater(data string) string {
	for _, p := range ws.later {
		name := ws.paramName(p.name)
		text := ws.params.TextOf(name)
		switch {
		case bytes.EqualFold(text, []byte(dataName)):
			if data == "" {
				data = p.value
				continue
			}
		case bytes.EqualFold(text, []byte(keyName)):
			if !ws.params.Has(keyName) {
				name = ws.params.Keep(keyName)
			}
		default:
			ws.addCampaign(campaignName(text), p.value)
			continue
		}
		ws.addParam(name, p.value)
	}
	return data
}

// addCampaign adds a field that does not replace what the client's object has.
func (ws *workspace) addCampaign(name, rawValue string) {
	before := ws.params.Count()
	ws.addParam(ws.params.Keep(name), rawValue)
	ws.params.Weaken(before)
}
