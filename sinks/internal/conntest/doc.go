// SPDX-License-Identifier: Apache-2.0

// Package conntest has what tests of several packages need of connections and
// examinations. Only tests import it.
package conntest
