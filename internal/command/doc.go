// SPDX-License-Identifier: Apache-2.0

// Package command is the command "caddy segment-pixel". A verb has a file here, or a
// folder if it needs more than two; what all of them share is in package cli.
package command
