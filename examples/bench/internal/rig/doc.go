// SPDX-License-Identifier: Apache-2.0

// Package rig is what measurements of segment_pixel have in common. It builds
// Caddy and nats-server, runs each as a process on one CPU, loads Caddy with
// pixels by way of h2load, and counts what arrived at NATS.
//
// A measurement goes like this:
//
//	binaries, err := rig.Build(ctx, dir) // into dir/bin
//	broker, err := rig.StartBroker(ctx, rig.BrokerConfig{Binary: binaries.NATSServer, Dir: dir + "/nats", CPU: 1})
//	err = broker.CreateStream(ctx, "PIXELS", "pixels.>")
//	caddy, err := rig.StartCaddy(ctx, rig.CaddyConfig{Binary: binaries.Caddy, Dir: dir + "/caddy", CPU: 0, Site: "segment_pixel …"})
//	payloads, err := rig.Payloads(1000, 300, 700)
//	err = rig.WritePaths(dir + "/paths", payloads)
//	result, err := rig.Load{URL: caddy.HTTP, Paths: dir + "/paths", Connections: 64, Duration: 4 * time.Second, CPU: 1}.Run(ctx)
//	stored, err := broker.AwaitStored(ctx, "PIXELS", result.Answered)
//
// All that starts processes or looks at them needs Linux.
package rig
