// SPDX-License-Identifier: Apache-2.0

package messageid

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// New returns a new UUIDv7.
func New() string {
	return string(Append(make([]byte, 0, 36), time.Now()))
}

// Append appends a UUIDv7 (RFC 9562) of that time. Its 12 bits after the
// milliseconds count on within the millisecond, the method 3 of the RFC, so that
// identifiers sort by time as finely as 4096 parts of it.
//
// The module google/uuid would allocate twice. Random bytes are not read ahead:
// that would save 2 % of an event, and a copy of a virtual machine would repeat them.
func Append(dst []byte, at time.Time) []byte {
	const version, variant = 7 << 12, 1 << 63
	const millisecond = uint64(time.Millisecond)
	part := uint64(at.Nanosecond()) % millisecond << 12 / millisecond
	var id [16]byte
	_, _ = rand.Read(id[8:]) // it never fails
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16|version|part)
	binary.BigEndian.PutUint64(id[8:], binary.BigEndian.Uint64(id[8:])>>2|variant)
	dst = append(hex.AppendEncode(dst, id[:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}
