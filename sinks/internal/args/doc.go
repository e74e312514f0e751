// SPDX-License-Identifier: Apache-2.0

// Package args reads the arguments of options from a Caddyfile for the sinks. Each error
// says what to write instead.
package args
