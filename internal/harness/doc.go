// SPDX-License-Identifier: Apache-2.0

// Package harness is what tests and benchmarks need to run other programs: ports that
// are free, and a thread whose processes do not outlive this one.
package harness
