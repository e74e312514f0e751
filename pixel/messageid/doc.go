// SPDX-License-Identifier: Apache-2.0

// Package messageid makes the message ids of events whose sender gave none.
package messageid
