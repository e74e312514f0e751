// SPDX-License-Identifier: Apache-2.0

// Package faults holds no code but a test: the proof that an event that was
// answered with the pixel is on this machine's disk or stored in JetStream, and
// reaches the stream once NATS is there.
//
// It runs Caddy and nats-server as processes of their own, sends numbered pixels
// from many connections, makes something fail, and compares what was answered
// with what the streams hold in the end. There are two Caddies, each with its own
// spool and its own load: one publishes to a stream that allows batched fast
// publishing, the other to one that does not.
//
//	go test ./sinks/faults                             # every row, a few seconds each
//	go test ./sinks/faults -run 'Faults/kill_-9' -v    # some rows
//	go test ./sinks/faults -v -timeout 2h -faults.long # longer outages, 5,000 pixels a second
//
// With -v it prints a table in Markdown. Its flags stand behind the package:
//
//	-faults.long          outages beyond the timeouts, more repetitions, random kills
//	-faults.rate <n>      pixels a second, for each Caddy
//	-faults.random <d>    how long the random kills of the long run go on
//	-faults.publish <w>   fast, async, or both (default) at the same time
//	-faults.sync <s>      the option sync of the spools; a power cut takes events without it
//	-faults.table <file>  write the table there
//
// There are no signals, and so no tests, on Windows; what needs a limit on another
// process's files runs on Linux only, and what needs a mount runs as root only. The
// disk that does not answer, and the one that loses its power, also need mkfs.ext4 and
// a loop device.
package faults
