// SPDX-License-Identifier: Apache-2.0

// Package suppress is the verb suppress: it works on the list of those who have withdrawn
// consent.
package suppress
