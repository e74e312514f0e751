// SPDX-License-Identifier: Apache-2.0

import { $ } from "./dom.js";
import { COLORS, MARKS } from "./words.js";

// the filters brings back older records.
export const list = $("rows");

export function firstOlder(entry) {
	let row = list.firstElementChild;
	while (row && (row.entry.at > entry.at || (row.entry.at === entry.at && row.entry.id > entry.id))) row = row.nextElementSibling;
	return row;
}

export function buildRow(record) {
	const row = $("row-template").content.firstElementChild.cloneNode(true);
	const [time, outcome, type, source, fetched, what, id] = row.firstElementChild.firstElementChild.children;
	const at = new Date(record.time);
	time.dateTime = record.time;
	time.textContent = `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
	outcome.textContent = `${MARKS[record.outcome] ?? "?"} ${record.outcome}`;
	outcome.className = `outcome ${COLORS[record.outcome] ?? ""}`;
	type.textContent = record.type ?? "–";
	source.textContent = record.source ?? "–";
	fetched.textContent = record.fetch ?? "–";
	what.textContent = record.outcome === "rejected" ? record.reason : (record.event ?? record.body?.name ?? "");
	if (record.outcome === "rejected") what.classList.add("mono");
	id.textContent = record.message_id ?? "";
	id.title = record.message_id ?? "";
	return row;
}
