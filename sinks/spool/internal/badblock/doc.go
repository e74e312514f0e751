// SPDX-License-Identifier: Apache-2.0

// Package badblock reads files of which the disk cannot read all: block by block, until
// whoever reads does without the bad ones.
package badblock
