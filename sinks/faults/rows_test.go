// SPDX-License-Identifier: Apache-2.0

//go:build unix

package faults

import (
	"slices"
	"time"
)

// rows are all faults that this system can be made to have.
func rows() []row {
	return slices.Concat(
		[]row{{name: "none", fault: func(s *scene) error { return s.answersFor(choose(500*time.Millisecond, 20*time.Second)) }}},
		processRows(), clusterRows(), networkRows(), streamRows(), reloadRows(), diskRows(), controlRows(), randomRows(),
	)
}
