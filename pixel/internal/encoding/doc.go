// SPDX-License-Identifier: Apache-2.0

// Package encoding takes a raw query apart and undoes its encodings: percent escapes and
// base64, also with what happens to plus signs and line ends on the way. What the bytes
// say is not its affair.
package encoding
