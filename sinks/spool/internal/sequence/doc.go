// SPDX-License-Identifier: Apache-2.0

// Package sequence keeps account of ranges of sequences: those of commits that failed, and
// when those were committed that are handed out.
package sequence
