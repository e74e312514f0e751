// SPDX-License-Identifier: Apache-2.0

// Package natsconn holds connections to NATS: their options, with every login that NATS
// knows, and the connections themselves, which sinks with the same options share, also
// across reloads. It says in words what is wrong with one. It knows no streams.
package natsconn
