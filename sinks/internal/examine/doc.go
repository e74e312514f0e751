// SPDX-License-Identifier: Apache-2.0

// Package examine looks at what the nats and jetstream sinks need, from the outside and
// over connections of its own: servers, login, permissions, JetStream, streams, the
// spool and its disk. It changes nothing.
package examine
