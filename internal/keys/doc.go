// SPDX-License-Identifier: Apache-2.0

// Package keys finds the source of a write key. It holds the keys of the configuration
// and of key files, and follows the files when they change. What a source may be called
// is said here, too.
package keys
