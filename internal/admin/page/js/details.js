// SPDX-License-Identifier: Apache-2.0

import { button, el, facts } from "./dom.js";
import { snippet } from "./copy.js";
import { ask, explanation, failure, readSoFar, whyRejected } from "./explain.js";
import { linkTo } from "./filters.js";
import { maskKeys, micros, parseExactly } from "./format.js";
import { list } from "./rows.js";
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
	if (record.reason || record.hint) made.append(whyRejected(record));
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
			["link", link(record)],
		]),
	);
	if (record.body) made.append(snippet("Event", JSON.stringify(parseExactly(text).body, null, 2)));
	if (record.query) made.append(queryDetails(record));
	if (record.cut) made.append(el("p", "warn", "It was too long to be kept whole."));
	if (!record.body && !record.query && !record.cut) made.append(el("p", "muted", "The payload was not kept."));
	return made;
}

function link(record) {
	const made = el("a", "", "to this event alone, while it is kept");
	made.href = linkTo(record.id);
	return made;
}

// queryDetails shows what came beside what could be read of it.
function queryDetails(record) {
	if (record.query.includes("(hidden)")) return snippet("Query", maskKeys(record.query));
	const read = el("div", "stack", el("p", "muted", "Asking Caddy what can be read …"));
	const steps = el("div", "stack");
	steps.setAttribute("aria-live", "polite");
	const asked = ask(`${record.path ?? ""}?${record.query}`);
	const show = button("Explain", async () => steps.replaceChildren(...(await asked.then(explanation, failure))));
	asked.then(
		(text) => read.replaceChildren(...readSoFar(text, record.reason)),
		(problem) => read.replaceChildren(...failure(problem)),
	);
	return el("div", "stack", el("div", "beside", snippet("Query", maskKeys(record.query), show), read), steps);
}
