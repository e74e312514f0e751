// SPDX-License-Identifier: Apache-2.0

// Package accesslog reads requests back from lines of access logs, in Caddy's JSON or
// the common formats, and from URLs. It is not for what Caddy itself logs.
package accesslog
