// SPDX-License-Identifier: Apache-2.0

// Package link makes and takes apart the addresses of pixels: [Data] and [Fields] write
// an object as a query, [Composition.URL] and [ImageTag] what a sender puts into a page,
// and [Parse] reads what people have at hand back into a host, a path and a query. What
// the query means is not its affair, but that of the package above.
package link
