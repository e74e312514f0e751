// SPDX-License-Identifier: Apache-2.0

package main

// result is what was found out about a dimension.
type result struct {
	dimension
	series []series
}

// series are the points of a variant, one for each value.
type series struct {
	name   string
	points []point
}

// point is what was found out about a value. Of what is measured in rounds there
// is a figure for each round, and none if the value could not be measured.
type point struct {
	value int

	cpu        []float64 // microseconds for each request
	perSecond  []float64 // requests
	resident   []float64 // MiB, at the end of a load
	p99        []float64 // milliseconds
	connection []float64 // microseconds of CPU for opening and closing one

	start float64 // milliseconds to the first answer; 0 if unknown
	idle  float64 // MiB that are resident after the start; 0 if unknown

	backlog *drained // only of spool backlog
}

// drained is what was found out about a backlog in addition.
type drained struct {
	files     float64 // MiB of the spool, at the start
	events    int     // that waited when NATS came
	perSecond float64 // events that were stored; 0 if unknown
	peak      float64 // MiB, the most that was resident while they were
}
