// SPDX-License-Identifier: Apache-2.0

package suppress

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/segmentpixel/caddy-segment-pixel/sinks"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
)

// Examine looks at a bucket from the outside, and changes nothing.
func Examine(ctx context.Context, c natsconn.Connection, domain, bucket string) []report.Check {
	var list report.CheckList
	checks, probe := sinks.ExamineConnection(ctx, c, domain)
	list = append(list, checks...)
	const name = "bucket"
	if probe == nil {
		list.Skipped(name, "", "not looked at, since NATS was not reached")
		return list
	}
	defer probe.Close()
	ask, cancel := context.WithCancel(ctx)
	defer cancel()
	probe.WhenRefused(cancel) // otherwise a request that is refused would be waited for
	kv, _, err := find(ask, probe.Js, bucket)
	if refused := probe.Violation(func(string) bool { return true }); err != nil && refused != nil {
		list.Problem(name, "allow the user to publish to $JS.API.STREAM.INFO.KV_"+bucket+" and $JS.API.CONSUMER.*.KV_"+bucket+".>, and to subscribe to its inbox",
			"no permission to read %s: %s", bucket, probe.Scrub(refused))
		return list
	} else if err != nil {
		list.Problem(name, "until it was read once, events are answered and dropped", "%s: %s", bucket, probe.Scrub(err))
		return list
	}
	status, err := kv.Status(ctx)
	if err != nil {
		list.Problem(name, "try again", "%s: %s", bucket, probe.Scrub(err))
		return list
	}
	examineBucket(&list, status)
	return list
}

func examineBucket(list *report.CheckList, status jetstream.KeyValueStatus) {
	const name = "bucket"
	list.OK(name, "%s has %d entries", status.Bucket(), status.Values())
	if ttl := status.TTL(); ttl > 0 {
		list.Warning(name, "make it without a TTL: a withdrawal lasts until the person takes it back",
			"it forgets who has withdrawn consent after %s", ttl.Round(time.Second))
	}
	if described, ok := status.(*jetstream.KeyValueBucketStatus); ok && described.StreamInfo().Config.Storage == jetstream.MemoryStorage {
		list.Warning(name, "make it with --storage file", "it is in memory, and empty when NATS starts again")
	}
}
