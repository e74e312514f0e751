// SPDX-License-Identifier: Apache-2.0

// Package shown writes parts of a request so that people can be shown them: short, in
// valid UTF-8 and without the write key.
package shown
