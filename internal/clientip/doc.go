// SPDX-License-Identifier: Apache-2.0

// Package clientip masks the addresses of clients. Whose address a request has is
// Caddy's affair.
package clientip
