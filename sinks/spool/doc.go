// SPDX-License-Identifier: Apache-2.0

// Package spool keeps events on disk until somebody has dealt with them: a
// write-ahead log with group commit, a single reader and a checkpoint.
//
// # Files
//
// The directory holds the segments of the log (package wal); the checkpoint, which says
// up to where events have been acknowledged, and whether the run was closed; the lock; a
// file to spare for a segment; and in damaged/ the segments in which something could not be
// read, for whoever wants to look into them. The spool never removes those.
//
// # Sequences
//
// Every event has a sequence, one higher than that of the event before. When a commit has
// failed, the next one goes into another segment, which says after which sequence it goes
// on: what is found of the one that failed, though it has the same sequences, is void then.
//
// # Promises
//
// An event whose Append returned nil is handed out by Next, after a restart too,
// until it is acknowledged or the disk loses it. It may be handed out again after
// a restart, within the bounds of InDoubt. What the disk loses is counted and
// reported, and the rest is handed out.
package spool
