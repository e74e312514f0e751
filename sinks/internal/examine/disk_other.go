// SPDX-License-Identifier: Apache-2.0

//go:build !(darwin || dragonfly || freebsd || linux || windows)

package examine

// diskFree is not known on this system.
func diskFree(string) (free int64, known bool) { return 0, false }

// mayWrite cannot tell on this system without trying.
func mayWrite(string) error { return nil }
