// SPDX-License-Identifier: Apache-2.0

import { $ } from "./dom.js";
import { COLORS, MARKS } from "./words.js";

export const list = $("rows");

// firstOlder finds the row in front of which a record belongs. That is the top, unless
// records of both rings come mixed.
export function firstOlder(entry) {
	let row = list.firstElementChild;
	while (row && (row.entry.at > entry.at || (row.entry.at === entry.at && row.entry.id > entry.id))) row = row.nextElementSibling;
	return row;
}

export function buildRow(record) {
	const row = $("row-template").content.firstElementChild.cloneNode(true);
	const [time, outcome, type, source, host, fetched, what] = row.firstElementChild.firstElementChild.children;
	time.dateTime = record.time;
	time.textContent = clock(new Date(record.time));
	outcome.textContent = `${MARKS[record.outcome] ?? "?"} ${record.outcome}`;
	outcome.className = `outcome ${COLORS[record.outcome] ?? ""}`;
	type.textContent = record.type ?? "–";
	source.textContent = record.source ?? "–";
	host.textContent = record.host ?? "–";
	fetched.textContent = record.fetch ?? "–";
	what.textContent = record.outcome === "rejected" ? record.reason : (record.event ?? record.body?.name ?? who(record.body));
	if (record.outcome === "rejected") what.classList.add("mono");
	what.title = what.textContent;
	return row;
}

function clock(at) {
	return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

// who says whose event it is that has no name.
function who(body) {
	if (!body) return "";
	const parts = [body.userId ?? body.anonymousId];
	if (body.groupId) parts.push(`in ${body.groupId}`);
	if (body.previousId) parts.push(`was ${body.previousId}`);
	return parts.filter(Boolean).join(", ");
}
