// SPDX-License-Identifier: Apache-2.0

package segmentpixel

// handlerModule is what only the package of the handler itself can do. It
// registers it, so that nothing has to import that package.
type handlerModule struct {
	// Of returns the view of a module that Caddy has loaded as the handler.
	Of func(module any) handlerView
	// Offline returns a handler that takes any write key, for pixels of which there
	// is no configuration at hand. It has no sinks, and defaults for what is empty
	// or zero.
	Offline func(pathPrefixes []string, maxEventSize int) (handlerView, error)
}

var handlerImpl handlerModule

// registerHandler is called once, by the package of the handler.
func registerHandler(m handlerModule) { handlerImpl = m }

// viewOf returns the view of a module that Caddy has loaded as the handler.
func viewOf(module any) handlerView { return handlerImpl.Of(module) }

// newOfflineHandler returns a handler that takes any write key, for pixels of which
// there is no configuration at hand. It has no sinks, and defaults for what is empty
// or zero.
func newOfflineHandler(pathPrefixes []string, maxEventSize int) (handlerView, error) {
	return handlerImpl.Offline(pathPrefixes, maxEventSize)
}

const (
	// HandlerID is the id of the handler's module.
	handlerID = "http.handlers.segment_pixel"

	// defaultPathPrefix is the path of Segment's Tracking Pixel API.
	defaultPathPrefix = "/v1/pixel"

	// maxMaxEventSize bounds max_event_size, in bytes: far above what a request line
	// can carry, it bounds what a mistyped size can do.
	maxMaxEventSize = 64 << 20

	// clientIPOff is the value of client_ip with which no address is published.
	clientIPOff = "off"
)
