// SPDX-License-Identifier: Apache-2.0

import { $, setText } from "./dom.js";
import { number } from "./format.js";
import { openRow } from "./details.js";
import { filters, offerFilters } from "./filters.js";
import { buildRow, firstOlder, list } from "./rows.js";
import { keepTabStop, moveAmongRows, setTabStop } from "./focus.js";

const MAX_ROWS = 500;
const ROWS_A_FRAME = 20; // what a slow machine builds without dropping frames

const entries = new Map(); // by id, what is in the list
let waiting = []; // records as text, oldest first, until the next frame
let framed = false,
	paused = false;
let skipped = 0,
	missed = 0; // of what came since then
let clearedUpTo = 0,
	countedFrom = Date.now(); // what came before is not missed by whoever looks
let kept; // how many records the server keeps to show

// keeps notes how many records the server keeps to show.
export function keeps(n) {
	kept = n;
	showCounts();
}

// take keeps a record for the next frame. It must stay cheap: a flood comes here.
export function take(text) {
	waiting.push(text);
	if (waiting.length > MAX_ROWS) {
		if (timeOf(waiting.shift()) > countedFrom && !document.hidden) skipped++;
	}
	nextFrame();
}

// leftOut counts records that the server did not send.
export function leftOut(n) {
	missed += n;
	nextFrame();
}

// timeOf finds the time of a record without parsing all of it.
function timeOf(text) {
	return Date.parse(/"time":"([^"]+)"/.exec(text)?.[1]);
}

function nextFrame() {
	if (framed) return;
	framed = true;
	requestAnimationFrame(() => {
		framed = false;
		if (!paused) {
			for (let n = 0; n < ROWS_A_FRAME && waiting.length > 0; n++) addRow(waiting.shift());
			trim();
			keepTabStop();
			if (waiting.length > 0) nextFrame();
		}
		showCounts();
	});
}

function addRow(text) {
	const record = JSON.parse(text);
	const entry = { at: Date.parse(record.time), id: record.id, text };
	if (entries.has(record.id) || entry.at <= clearedUpTo) return;
	offerFilters(record);
	entry.row = buildRow(record);
	entry.row.entry = entry; // The text is kept, and parsed again when somebody looks.
	entries.set(record.id, entry);
	list.insertBefore(entry.row, firstOlder(entry));
	if (filters().id) entry.row.firstElementChild.open = true;
}

// refilter begins anew with what the server has of what is wanted now.
export function refilter() {
	clearedUpTo = 0;
	countedFrom = Date.now();
	skipped = missed = 0;
	paused = false;
	empty();
}

function empty() {
	entries.clear();
	list.replaceChildren();
	waiting = [];
	showCounts();
}

// trim removes the oldest rows, but none that is being read.
function trim() {
	let row = list.lastElementChild;
	while (entries.size > MAX_ROWS && row) {
		const before = row.previousElementSibling;
		if (!row.firstElementChild.open) {
			entries.delete(row.entry.id);
			row.remove();
		}
		row = before;
	}
}

export function showCounts() {
	const parts = [`${number.format(entries.size)} shown`];
	if (entries.size >= MAX_ROWS) parts.push(`older ones are left out above ${MAX_ROWS}`);
	if (skipped) parts.push(`${number.format(skipped)} were never shown`);
	if (missed) parts.push(`${number.format(missed)} were not sent, as they came too fast to be read`);
	setText($("counts"), parts.join(" · "));
	setText($("pause"), !paused ? "Pause" : waiting.length ? `Resume (${waiting.length})` : "Resume");
	$("empty").hidden = entries.size > 0;
	setText($("empty"), whyEmpty());
}

function whyEmpty() {
	if (kept === 0) return "Nothing is kept to show: the global option segment_pixel has recent off.";
	if (filters().id) return "This event is not kept any more.";
	if (Object.keys(filters()).length > 0) return "None of the events that are kept fits the filters.";
	return "No event yet. Build a pixel below and load it: it shows here.";
}

function clearRows() {
	const times = [...entries.values()].map((entry) => entry.at);
	if (waiting.length > 0) times.push(timeOf(waiting.at(-1)));
	clearedUpTo = Math.max(clearedUpTo, ...times);
	skipped = missed = 0;
	empty();
}

$("pause").addEventListener("click", () => {
	paused = !paused;
	nextFrame();
});
$("clear").addEventListener("click", clearRows);
list.addEventListener("keydown", moveAmongRows);
list.addEventListener("focusin", (event) => setTabStop(event.target.closest("#rows > li")));
list.addEventListener("toggle", openRow, true); // a toggle does not bubble
