// SPDX-License-Identifier: Apache-2.0

// alike, and their counts with them.
export function distinctSinks(handlers) {
	const byKey = new Map();
	for (const sink of handlers.flatMap((handler) => handler.sinks ?? [])) {
		byKey.set([sink.sink, sink.server, sink.subject, sink.spool?.dir].join("\n"), sink);
	}
	return [...byKey.values()];
}

export function distinctSpools(sinks) {
	return [...new Map(sinks.filter((sink) => sink.spool).map((sink) => [sink.spool.dir, sink.spool])).values()];
}
