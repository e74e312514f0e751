// SPDX-License-Identifier: Apache-2.0

// Package delivery owns the spools: one for each directory, with the forwarder that
// empties it and the ways to NATS of the sinks that use it. It hands them on in a
// reload. What is in a spool is up to package spool, and how it is sent to forward.
package delivery
