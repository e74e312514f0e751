// SPDX-License-Identifier: Apache-2.0

// Package report has the words in which a sink tells of itself: its status, what an
// examination has found, changes of its state, and why it drops an event. It is for
// authors of sinks and for whoever shows what they tell.
package report
