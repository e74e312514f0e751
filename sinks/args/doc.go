// SPDX-License-Identifier: Apache-2.0

// Package args reads the arguments of options from a Caddyfile. Each error says what to
// write instead. A usage is what stands behind the name of an option: a word for each
// argument, in brackets if it may be left out, with dots if it may be repeated.
package args
