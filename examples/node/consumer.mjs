// SPDX-License-Identifier: Apache-2.0

// Prints the events of a stream, one a line, each once it was handled:
//
//   node consumer.mjs nats://127.0.0.1:4222 SEGMENT
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const [servers = "nats://127.0.0.1:4222", stream = "SEGMENT", durable = "node"] = process.argv.slice(2);

const nc = await connect({ servers, name: durable, maxReconnectAttempts: -1 });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => nc.drain());

// The server remembers under the name of the consumer what was acknowledged.
const manager = await jetstreamManager(nc);
await manager.consumers.add(stream, { durable_name: durable, ack_policy: AckPolicy.Explicit, ack_wait: 10_000_000_000 });
const consumer = await jetstream(nc).consumers.get(stream, durable);

for await (const message of await consumer.consume({ max_messages: 500 })) {
	try {
		// An event may be delivered twice: this is what tells it from any other.
		const id = message.headers?.get("Nats-Msg-Id") || `${stream}#${message.seq}`;
		await handle(id, message.json());
		message.ack();
	} catch (error) {
		console.error(`${message.subject} ${message.seq}: ${error.message}`);
		message.nak(5_000); // once more, in five seconds
	}
}

async function handle(id, event) {
	console.log(JSON.stringify({ id, ...event }));
}
