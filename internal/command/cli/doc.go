// SPDX-License-Identifier: Apache-2.0

// Package cli has what the verbs of "caddy segment-pixel" share: how they run, print and
// end, and the flags that several have.
package cli
