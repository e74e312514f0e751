// SPDX-License-Identifier: Apache-2.0

// Package watch is told what became of each request, and shows it: it counts for
// metrics, keeps the last requests for whoever looks at them, and logs rejections now
// and then. It decides nothing about a request, and is not where sinks are counted.
package watch
