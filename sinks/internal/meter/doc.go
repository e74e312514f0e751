// SPDX-License-Identifier: Apache-2.0

// Package meter counts what becomes of the events of sinks, for metrics. Counters live
// as long as the process.
package meter
