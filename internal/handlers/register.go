// SPDX-License-Identifier: Apache-2.0

package handlers

// What only the package of the handler itself can do, it sets when the program begins, so
// that nothing has to import it.
var (
	// Of returns the view of a module that Caddy has loaded as the handler.
	Of func(module any) Handler

	// Offline returns a handler that takes any write key, for pixels of which there
	// is no configuration at hand. It has no sinks, and defaults for what is empty
	// or zero.
	Offline func(Pixels) (Handler, error)
)

// Pixels says what is known of pixels without a configuration.
type Pixels struct {
	PathPrefixes []string
	MaxEventSize int
	SealFile     string // keys of sealed pixels
}

const (
	// ID is the id of the handler's module.
	ID = "http.handlers.segment_pixel"

	// DefaultPathPrefix is the path of Segment's Tracking Pixel API.
	DefaultPathPrefix = "/v1/pixel"

	// MaxMaxEventSize bounds max_event_size, in bytes: far above what a request line
	// can carry, it bounds what a mistyped size can do.
	MaxMaxEventSize = 64 << 20

	// ClientIPOff is the value of client_ip with which no address is published.
	ClientIPOff = "off"
)
