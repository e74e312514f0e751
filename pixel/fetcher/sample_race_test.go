// SPDX-License-Identifier: Apache-2.0

//go:build race

package fetcher

// sample is larger here: regular expressions take fifteen times as long under the race
// detector, and a single goroutine has nothing to show it.
const sample = 20
