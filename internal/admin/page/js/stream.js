// SPDX-License-Identifier: Apache-2.0

import { PATIENCE_MS, RETRY_MS } from "./caddy.js";
import { $, setText } from "./dom.js";
import { filters } from "./filters.js";
import { parseExactly } from "./format.js";

const REASONS = {
	403: "The token of this address is that of another run: take the one that caddy segment-pixel live has printed.",
	404: "This Caddy has no segment_pixel.",
	502: "Caddy has gone: start it again.",
	504: "Caddy does not answer.",
};
const GONE = "Nobody is at this address any more: caddy segment-pixel live has ended, or Caddy has.";

let stream, retry, listeners;

// connect opens the stream of records and of the state. The server filters, so that a
// rare event is not lost among thousands that are not wanted. The stream calls record,
// missed, status and summary with what comes, and lost with a sentence when it ends.
export function connect(calls = listeners) {
	listeners = calls;
	stream?.close();
	clearTimeout(retry);
	showConnection("○ connecting", "");
	stream = new EventSource(`live?${new URLSearchParams({ state: "true", ...filters() })}`);
	const current = stream;
	stream.addEventListener("open", () => showConnection("● live", "good"));
	stream.addEventListener("message", (message) => listeners.record(message.data));
	for (const name of ["missed", "status", "summary"]) {
		stream.addEventListener(name, (message) => listeners[name](parseExactly(message.data)));
	}
	stream.addEventListener("error", async () => {
		showConnection("✕ connection lost, trying again", "bad");
		// The browser tries again by itself, but not after an answer that is no stream.
		if (current.readyState === EventSource.CLOSED) retry = setTimeout(connect, RETRY_MS);
		const why = await whyLost();
		if (why && current === stream && current.readyState !== EventSource.OPEN) listeners.lost(why);
	});
}

function showConnection(text, className) {
	$("connection").className = className;
	setText($("connection"), text);
}

// whyLost asks for what a stream does not tell: the status of the answer.
async function whyLost() {
	try {
		const response = await fetch("health/live", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
		return response.ok ? "" : (REASONS[response.status] ?? `Caddy answered ${response.status}.`);
	} catch {
		return GONE;
	}
}
