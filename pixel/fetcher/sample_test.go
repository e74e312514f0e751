// SPDX-License-Identifier: Apache-2.0

//go:build !race

package fetcher

// sample multiplies the steps in which a test goes through a list of agents.
const sample = 1
