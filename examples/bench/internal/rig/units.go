// SPDX-License-Identifier: Apache-2.0

package rig

import "time"

// Micros are microseconds.
func Micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// Millis are milliseconds.
func Millis(d time.Duration) float64 { return Micros(d) / 1000 }

// MiB are 2^20 bytes.
func MiB(bytes int64) float64 { return float64(bytes) / (1 << 20) }
