// SPDX-License-Identifier: Apache-2.0

// Package subject makes the subject of an event from a template, and knows which
// subjects cover or overlap each other. It also reads placeholders for several sinks at
// once.
package subject
