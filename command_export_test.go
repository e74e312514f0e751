// SPDX-License-Identifier: Apache-2.0

package segmentpixel

// The commands, for tests that run a site as well.
var (
	NewDoctorCommand = newDoctorCommand
	NewReplayCommand = newReplayCommand
	NewTailCommand   = newTailCommand
	NewLiveCommand   = newLiveCommand
)
