// SPDX-License-Identifier: Apache-2.0

// Package handlers is how the admin endpoint, the doctor and the commands know the
// segment_pixel handlers of a configuration that runs, or of one that does not. The
// package of the handler registers itself here; nothing below has to import it. It also
// judges a request without serving it. The requests themselves do not come this way.
package handlers
