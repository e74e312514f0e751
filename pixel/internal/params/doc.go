// SPDX-License-Identifier: Apache-2.0

// Package params makes one JSON object of the parameters of a query, whose names have
// dots or brackets, alone or on top of the object that data held.
package params
