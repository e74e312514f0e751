// SPDX-License-Identifier: Apache-2.0

import { button, el, facts } from "./dom.js";
import { snippet } from "./copy.js";
import { explain, whyRejected } from "./explain.js";
import { list } from "./rows.js";
import { maskKeys, micros, parseExactly } from "./format.js";
import { FETCHERS } from "./words.js";

// openRow fills a row when it is opened, and empties it when it is closed.
export function openRow(event) {
	const details = event.target;
	if (details.parentElement?.parentElement !== list) return;
	details.querySelector(":scope > div")?.remove();
	if (details.open) details.append(recordDetails(details.parentElement.entry.text));
}

export function recordDetails(text) {
	const record = JSON.parse(text);
	const made = el("div", "stack");
	if (record.reason) made.append(whyRejected(record));
	made.append(
		facts([
			["time", record.time],
			["message id", record.message_id && el("span", "mono", record.message_id)],
			["request", record.path && el("span", "mono", `${record.host ?? ""}${record.path}`)],
			["fetched by", record.fetch && `${record.fetch} (${FETCHERS[record.fetch.split("/")[0]]})`],
			["user agent", record.user_agent],
			["referrer", record.referrer],
			["repaired", record.repairs?.join(", ")],
			["decoded in", micros(record.decode_us)],
			["answered in", micros(record.answer_us)],
			["proxy", record.untrusted_proxy && "not named in trusted_proxies, so its address counts as the client's"],
		]),
	);
	if (record.body) made.append(snippet("Event", JSON.stringify(parseExactly(text).body, null, 2)));
	if (record.query) made.append(queryDetails(record));
	if (record.cut) made.append(el("p", "warn", "It was too long to be kept whole."));
	if (!record.body && !record.query && !record.cut) made.append(el("p", "muted", "The payload was not kept."));
	return made;
}

function queryDetails(record) {
	const answer = el("div", "stack");
	answer.setAttribute("aria-live", "polite");
	const ask = button("Explain", () => explain(`${record.path ?? ""}?${record.query}`, answer));
	return el("div", "stack", snippet("Query", maskKeys(record.query), ask), answer);
}
