// SPDX-License-Identifier: Apache-2.0

// Package recipes runs the examples that need software beside Go, with that software:
//
//	go test -tags recipes ./examples/recipes
package recipes
