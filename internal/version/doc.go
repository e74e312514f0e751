// SPDX-License-Identifier: Apache-2.0

// Package version knows the version of this module in the running binary.
package version
