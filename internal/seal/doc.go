// SPDX-License-Identifier: Apache-2.0

// Package seal opens and makes the tokens that a pixel's data may be: JWE with a shared
// key (dir, A256GCM), which hides and protects an object, and JWS with one (HS256), which
// protects it. It knows no other algorithm, no compression and no token in a token.
package seal
