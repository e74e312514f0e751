// SPDX-License-Identifier: Apache-2.0

package segmentpixel

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/segmentpixel/caddy-segment-pixel/internal/clientip"
	"github.com/segmentpixel/caddy-segment-pixel/internal/handlers"
	"github.com/segmentpixel/caddy-segment-pixel/internal/keys"
	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

const (
	clientIPFull = "full"
	clientIPMask = "mask"

	defaultIPv4Bits = 24
	defaultIPv6Bits = 48
)

// The checks below serve both the Caddyfile, where they can name the line, and
// Validate, where JSON arrives.

func checkMaxEventSize(size int) error {
	if size < 1 || size > handlers.MaxMaxEventSize {
		return fmt.Errorf("max_event_size is %d bytes: write a size from 1B to 64MiB", size)
	}
	return nil
}

func checkIgnored(name string) error {
	switch name {
	case "", "data":
		return fmt.Errorf("ignore_params cannot ignore %q: name other parameters", name)
	case "none":
		return errors.New("ignore_params takes none as its first argument only")
	}
	return nil
}

func checkClientIP(mode string) error {
	switch mode {
	case clientIPFull, clientIPMask, handlers.ClientIPOff:
		return nil
	}
	return fmt.Errorf("client_ip is %q: write full, mask or off", mode)
}

func checkSignal(signal string) error {
	if signal != pixel.GPC.String() && signal != pixel.DNT.String() {
		return fmt.Errorf("honor does not know %q: write gpc, dnt or both", signal)
	}
	return nil
}

func (m *IPMask) validate(clientIP string) error {
	switch {
	case m == nil:
		return nil
	case clientIP != clientIPMask:
		return errors.New("ip_mask is of use only with client_ip mask: remove one of them")
	case m.IPv4 != nil && !fits(*m.IPv4, netip.IPv4Unspecified()):
		return fmt.Errorf("ip_mask keeps %d bits of IPv4: write 0 to 32", *m.IPv4)
	case m.IPv6 != nil && !fits(*m.IPv6, netip.IPv6Unspecified()):
		return fmt.Errorf("ip_mask keeps %d bits of IPv6: write 0 to 128", *m.IPv6)
	}
	return nil
}

func fits(bits int, addr netip.Addr) bool { return 0 <= bits && bits <= addr.BitLen() }

func ipPolicy(clientIP string, mask *IPMask) clientip.Policy {
	policy := clientip.Policy{Publish: clientIP != handlers.ClientIPOff, Bits4: 32, Bits6: 128}
	if clientIP != clientIPMask {
		return policy
	}
	policy.Bits4, policy.Bits6 = defaultIPv4Bits, defaultIPv6Bits
	if mask != nil && mask.IPv4 != nil {
		policy.Bits4 = *mask.IPv4
	}
	if mask != nil && mask.IPv6 != nil {
		policy.Bits6 = *mask.IPv6
	}
	return policy
}

// WriteKey is one accepted write key, for those who make a [Handler] in Go.
type WriteKey = keys.Key

// IPMask says how many leading bits of a client's address are kept.
type IPMask struct {
	// Bits of an IPv4 address, 0 to 32. Default: 24
	IPv4 *int `json:"ipv4,omitempty"`

	// Bits of an IPv6 address, 0 to 128. Default: 48
	IPv6 *int `json:"ipv6,omitempty"`
}
