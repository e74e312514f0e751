// SPDX-License-Identifier: Apache-2.0

// Package page is the live page. Its HTML, CSS and JavaScript are files of their own,
// which are built in and joined when the program starts: a browser gets one page that
// loads nothing else, and a policy that lets it run nothing else. What it shows it
// asks the rest of the admin endpoint for.
//
// html/page.html names what belongs to the page; js/main.js starts it.
package page
