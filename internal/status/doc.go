// SPDX-License-Identifier: Apache-2.0

// Package status puts together how the handlers and sinks of the configuration in force
// are. The admin endpoint serves it, and the doctor reads it.
package status
