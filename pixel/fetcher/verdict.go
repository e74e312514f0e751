// SPDX-License-Identifier: Apache-2.0

package fetcher

import "strings"

// Kind is what kind of client has fetched a pixel.
type Kind uint8

const (
	// None is the kind where nobody is asked.
	None Kind = iota
	// Reader is the reader's own browser or mail client.
	Reader
	// Proxy fetches for the reader when the mail or the page is opened.
	Proxy
	// Prefetch fetches whether or not anybody reads.
	Prefetch
	// Scanner is a security product that opens links and images.
	Scanner
	// Preview makes link previews for chats and social networks.
	Preview
	// Bot is a crawler or an HTTP library.
	Bot
	// Unknown is a client that says nothing of itself, or was not looked at.
	Unknown

	kindCount
)

var kindNames = [kindCount]string{"", "reader", "proxy", "prefetch", "scanner", "preview", "bot", "unknown"}

func (k Kind) String() string { return kindNames[k] }

// Kinds are the kinds but None, in order.
func Kinds() []Kind { return []Kind{Reader, Proxy, Prefetch, Scanner, Preview, Bot, Unknown} }

// ParseKind is the inverse of String. It returns None where there is no such kind.
func ParseKind(name string) Kind {
	for _, k := range Kinds() {
		if kindNames[k] == name {
			return k
		}
	}
	return None
}

// Machine tells whether a kind is a machine: "yes", "no" or "unknown".
func (k Kind) Machine() string {
	switch k {
	case Reader, Proxy:
		return "no"
	case Scanner, Preview, Bot:
		return "yes"
	default:
		return "unknown"
	}
}

// Verdict is who has fetched a pixel. The zero value says that nobody was asked.
type Verdict struct {
	Kind Kind
	By   string // short and in lower case; empty for readers and unknown ones
}

// String is the kind, with who it was behind a slash.
func (v Verdict) String() string {
	if v.By == "" {
		return v.Kind.String()
	}
	return v.Kind.String() + "/" + v.By
}

// AppendJSON appends the value of context.fetch.
func (v Verdict) AppendJSON(dst []byte) []byte {
	dst = append(append(dst, `{"kind":"`...), v.Kind.String()...)
	if v.By != "" {
		dst = append(append(dst, `","by":"`...), v.By...)
	}
	return append(append(append(dst, `","machine":"`...), v.Kind.Machine()...), `"}`...)
}

// CheckName tells whether a text may be the name of who has fetched.
func CheckName(by string) bool {
	return by != "" && len(by) <= 32 && strings.Trim(by, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}
