// SPDX-License-Identifier: Apache-2.0

// Package layout checks that a text is one JSON object, strictly, and notes where in it
// the fields stand that the rules and the envelope ask for. It says what is wrong where
// something is. It neither changes a text nor knows what its fields mean.
package layout
