// SPDX-License-Identifier: Apache-2.0

// Package wal keeps records in files of a fixed size, which are filled with zeros once
// and used again when what is in them is not needed any more. So a sync writes blocks
// that were written before, and the file system has nothing to put into its journal.
//
// # Files
//
// A segment is called by its number, the sequence after which it goes on, and its life,
// the latter two in hexadecimal. So nothing in the file has to be read to know them, and a
// file becomes another segment by its name alone. It begins with a page of 4 KiB, which is
// written when the file is made:
//
//	magic    8 bytes, "segpixel"
//	version  uint32
//	size     uint64, of the file
//	checksum uint32, CRC-32C of what is before
//
// Behind it stand records, one behind the other. Numbers are big-endian.
//
//	checksum uint32, CRC-32C of what follows but the mark at the end
//	length   uint32, of the content
//	life     uint64
//	sequence uint64
//	content
//	life     uint64, the mark
//
// # Lives
//
// A file begins a life when it becomes a segment: a number drawn at random, which stands
// in each record of that life. What is left of an earlier one has another, so that it
// cannot be taken for a record, and neither can anything that a client has sent: it does
// not know the life.
//
// # The end
//
// What was appended to a segment beyond the sequence after which the next one goes on is
// void: it is what a write that failed has left.
//
// The log ends at the first place that holds no record of this life. If there is a mark
// of this life behind it, something in between is damaged. The end of a page that is
// written to is filled with zeros.
//
// The package knows nothing of what the records hold.
package wal
