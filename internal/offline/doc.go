// SPDX-License-Identifier: Apache-2.0

// Package offline loads the segment_pixel handlers of a configuration that does not run
// in this process, from a file or from the admin API of a Caddy that runs. They are
// provisioned and never started.
package offline
