// SPDX-License-Identifier: Apache-2.0

// Package mend undoes what happens to a pixel between the one who wrote it and the
// one who fetches it: each file mends one thing, by one pass over the text. A result is
// a guess until somebody has found a whole and valid object in it; that is not done
// here, and neither is anything known of events.
package mend
