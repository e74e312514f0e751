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
		text := name.of(ws.params.text)
		switch {
		case bytes.EqualFold(text, []byte(dataName)):
			if data == "" {
				data = p.value
				continue
			}
		case bytes.EqualFold(text, []byte(keyName)):
			if ws.params.child(root, []byte(keyName)) == noNode {
				name = ws.params.keep(keyName)
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
	f := &ws.params
	before := len(f.nodes)
	ws.addParam(f.keep(name), rawValue)
	for id := before; id < len(f.nodes); id++ {
		f.nodes[id].weak = true
	}
}

// keep returns a text of ours as a span of the tree's.
func (f *fields) keep(text string) span {
	start := int32(len(f.text))
	f.text = append(f.text, text...)
	return span{start, int32(len(f.text))}
}

// dotted writes a name with brackets as the same with dots. Empty brackets append: they
// stand for the next number. A name whose brackets do not match stays as it is.
func (ws *workspace) dotted(name span) span {
	f := &ws.params
	start := int32(len(f.text))
	open := false
	for i := name.start; i < name.end; i++ {
		switch c := f.text[i]; {
		case c == '[' && !open:
			open = true
			f.text = append(f.text, '.')
		case c == ']' && open && (i+1 == name.end || f.text[i+1] == '[' || f.text[i+1] == '.'):
			open = false
			if f.text[i-1] == '[' {
				f.text = f.appendNext(f.text, start)
			}
		case c == '[' || c == ']' || c == '.' && open:
			f.text = f.text[:start]
			return name
		default:
			f.text = append(f.text, c)
		}
	}
	if open {
		f.text = f.text[:start]
		return name
	}
	ws.repairs |= RepairedBrackets
	return span{start, int32(len(f.text))}
}

// appendNext appends the number of the next element below the name that begins at
// start and ends with a dot.
func (f *fields) appendNext(text []byte, start int32) []byte {
	at := int32(root)
	for segment := range bytes.SplitSeq(text[start:len(text)-1], []byte(".")) {
		if at = f.child(at, segment); at == noNode {
			return append(text, '0')
		}
	}
	return appendDecimal(text, f.nodes[at].count)
}

func appendDecimal(dst []byte, n int32) []byte {
	if n >= 10 {
		dst = appendDecimal(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}
