// SPDX-License-Identifier: Apache-2.0

// Package suppress holds the list of those who have withdrawn consent: a NATS KV bucket
// that is watched, held in memory, and kept on disk for a start without NATS.
//
// A key of the bucket is user.<h>, anon.<h> or email.<h>, where h is the SHA-256 of the
// value in lower-case hexadecimal; of an e-mail address, without white space around it
// and in lower case. So the bucket names nobody. What stands behind a key is not read.
package suppress
