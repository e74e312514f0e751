// SPDX-License-Identifier: Apache-2.0

// Package mergetag knows what mail tools and templates fill in for each recipient, by
// its looks. It does not fill in anything itself, except to see what would come of it.
package mergetag
