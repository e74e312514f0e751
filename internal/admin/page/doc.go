// SPDX-License-Identifier: Apache-2.0

// Package page is the live page, as HTML, CSS and JavaScript files that are joined
// when the program starts. What it shows it asks the rest of the admin endpoint for.
package page
