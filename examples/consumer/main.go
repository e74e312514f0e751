// SPDX-License-Identifier: Apache-2.0

// Command consumer prints the events that segment_pixel has published to a
// JetStream stream, one a line, as they come. It is meant to be copied: what an
// application does with an event goes where this program prints it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	cfg := config{notes: os.Stderr}
	flag.StringVar(&cfg.server, "server", "nats://127.0.0.1:4222", "`URL` of the NATS server, or several with commas between")
	flag.StringVar(&cfg.stream, "stream", "SEGMENT", "`name` of the stream")
	flag.StringVar(&cfg.durable, "durable", "example-consumer", "`name` of the durable consumer, which remembers what was printed")
	flag.StringVar(&cfg.subject, "subject", "segment.events.>", "print only events whose subject matches the `filter`")
	flag.StringVar(&cfg.creds, "creds", "", "`file` with NATS credentials")
	flag.StringVar(&cfg.token, "token", "", "NATS `token`")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q; all options begin with a dash\n", flag.Arg(0))
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)

	if err := run(ctx, os.Stdout, cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
