// SPDX-License-Identifier: Apache-2.0

// Package doctor examines everything between a pixel and the stream that is to store
// its event, and says what to do about what is wrong. It changes and publishes nothing.
// What a sink needs is known by the sink; the doctor asks it.
package doctor
