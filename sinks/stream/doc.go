// SPDX-License-Identifier: Apache-2.0

// Package stream knows of the streams that take a sink's events: how one is configured
// and created, what it lacks, and whether events may be published in batches. It
// publishes nothing.
package stream
