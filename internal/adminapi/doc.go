// SPDX-License-Identifier: Apache-2.0

// Package adminapi asks the admin endpoint of a Caddy that runs, which may be another
// process: where it is, what it says, and what an error of it means to a person. What is
// served there is in package admin.
package adminapi
