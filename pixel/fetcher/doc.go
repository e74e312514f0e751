// SPDX-License-Identifier: Apache-2.0

// Package fetcher says who has fetched a pixel: the reader, a proxy for the reader, a
// program that fetches whether or not anybody reads, or a machine. It goes by the user
// agent, by header fields and by the client's network, with the rules of table.go behind
// those of the operator. It never says that somebody has read anything.
package fetcher
