// SPDX-License-Identifier: Apache-2.0

import { hostOf } from "./format.js";
import { DEFAULT_PREFIX } from "./words.js";

// distinctSinks lists each sink once, with the handlers that have it: sinks of several
// handlers that are alike share a connection, a spool and their counts.
export function distinctSinks(handlers) {
	const byKey = new Map();
	for (const handler of handlers) {
		for (const sink of handler.sinks ?? []) {
			const key = [sink.sink, sink.server, sink.subject].join("\n");
			const known = byKey.get(key) ?? { ...sink, key, problems: [], spools: new Map(), sites: new Set(), outputs: new Set() };
			known.ready &&= sink.ready;
			known.connected &&= sink.connected;
			known.problems.push(...(sink.problems ?? []));
			known.sites.add(siteOf(handler));
			if (sink.output) known.outputs.add(sink.output);
			if (sink.spool) known.spools.set(sink.spool.dir, sink.spool);
			byKey.set(key, known);
		}
	}
	const sinks = [...byKey.values()];
	for (const sink of sinks) sink.name = nameOf(sink, sinks);
	return sinks;
}

export function distinctSpools(sinks) {
	return [...new Map(sinks.flatMap((sink) => [...sink.spools])).values()];
}

// siteOf names a handler by its hosts, and by its prefixes if they are its own.
export function siteOf(handler) {
	const hosts = [...new Set((handler.addresses ?? []).map(hostOf))];
	const more = hosts.length > 2 ? ` and ${hosts.length - 2} more` : "";
	const prefixes = (handler.path_prefixes ?? []).filter((prefix) => prefix !== DEFAULT_PREFIX);
	return [hosts.slice(0, 2).join(", ") + more || "any host", ...prefixes].join(" ");
}

// nameOf adds to the name of a sink what tells it from others.
function nameOf(sink, sinks) {
	const server = sink.server?.replace(/\b(?:nats|tls|wss?):\/\//g, "");
	const alike = sinks.filter((other) => other.sink === sink.sink && other.server === sink.server);
	return [sink.sink, server, alike.length > 1 ? sink.subject : ""].filter(Boolean).join(" · ");
}
