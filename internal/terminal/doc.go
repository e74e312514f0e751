// SPDX-License-Identifier: Apache-2.0

// Package terminal puts texts into the form in which a terminal can show them: broken
// into lines, with numbers and their words, and with nothing in them that the terminal
// would obey.
package terminal
