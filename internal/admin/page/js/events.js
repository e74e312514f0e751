// SPDX-License-Identifier: Apache-2.0

import { $, el, setText } from "./dom.js";
import { POLL_MS } from "./caddy.js";
import { number } from "./format.js";
import { openRow } from "./details.js";
import { buildRow, firstOlder, list } from "./rows.js";
import { keepTabStop, moveAmongRows, setTabStop } from "./focus.js";

const MAX_ROWS = 500;
const ROWS_A_FRAME = 20; // what a slow machine builds without dropping frames

const entries = new Map(); // by key, what is in the list
let stream, retry;
let waiting = []; // records as text, oldest first, until the next frame
let framed = false,
	paused = false;
const openedAt = Date.now();
let skipped = 0,
	missed = 0; // of what came since then
let clearedUpTo = 0;
let kept; // how many records the server keeps to show

// keeps notes how many records the server keeps to show.
export function keeps(n) {
	kept = n;
	showCounts();
}

function filters() {
	return {
		source: $("filter-source").value,
		type: $("filter-type").value,
		outcome: $("filter-outcome").value,
		fetch: $("filter-fetch").value,
	};
}

// connect opens the stream of records. The server filters by all but the text, so
// that a rare event is not lost among thousands that are not wanted.
export function connect() {
	stream?.close();
	clearTimeout(retry);
	waiting = [];
	const query = new URLSearchParams(Object.entries(filters()).filter(([, value]) => value));
	showConnection("○ connecting", "");
	stream = new EventSource(`live?${query}`);
	stream.addEventListener("open", () => showConnection("● live", "good"));
	stream.addEventListener("message", (message) => take(message.data));
	stream.addEventListener("missed", (message) => {
		missed += JSON.parse(message.data).missed;
		nextFrame();
	});
	stream.addEventListener("error", () => {
		showConnection("✕ connection lost, trying again", "bad");
		// The browser tries again by itself, but not after an answer that is no stream.
		if (stream.readyState === EventSource.CLOSED) retry = setTimeout(connect, POLL_MS);
	});
}

function showConnection(text, className) {
	$("connection").className = className;
	setText($("connection"), text);
}

// take keeps a record for the next frame. It must stay cheap: a flood comes here.
function take(text) {
	waiting.push(text);
	if (waiting.length > MAX_ROWS) {
		if (timeOf(waiting.shift()) > openedAt && !document.hidden) skipped++;
	}
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
	const entry = { at: Date.parse(record.time), id: record.id, record, text };
	const key = `${record.id} ${record.time}`; // ids begin anew with the process
	if (entries.has(key) || entry.at <= clearedUpTo) return;
	offer($("filter-source"), record.source);
	offer($("filter-fetch"), record.fetch);
	if (record.outcome === "rejected") offer($("filter-reasons"), record.reason);
	if (!wanted(entry)) return;
	delete entry.record; // The text is kept, and parsed again when somebody looks.
	entry.fields = { source: record.source, type: record.type, outcome: record.outcome, reason: record.reason, fetch: record.fetch };
	entry.row = buildRow(record);
	entry.row.entry = entry;
	entries.set(key, entry);
	entry.key = key;
	list.insertBefore(entry.row, firstOlder(entry));
}

// firstOlder finds the place of a record. It is the top, except when a change of
// the filters brings back older records.
function wanted(entry) {
	const { source, type, outcome, fetch } = filters();
	const has = entry.fields ?? entry.record;
	if ((source && has.source !== source) || (type && has.type !== type)) return false;
	if (fetch && has.fetch !== fetch && has.fetch?.split("/")[0] !== fetch) return false;
	if (outcome && has.outcome !== outcome && has.reason !== outcome) return false;
	const text = $("filter-text").value.trim().toLowerCase();
	// Written anew, as the server escapes some characters.
	return (
		!text ||
		JSON.stringify(entry.record ?? JSON.parse(entry.text))
			.toLowerCase()
			.includes(text)
	);
}

// refilter hides what no longer fits at once; the stream brings what was left out.
function refilter() {
	for (const entry of entries.values()) entry.row.hidden = !wanted(entry);
	connect();
	keepTabStop();
	showCounts();
}

// trim removes the oldest rows, but none that is being read.
function trim() {
	let row = list.lastElementChild;
	while (entries.size > MAX_ROWS && row) {
		const before = row.previousElementSibling;
		if (!row.firstElementChild.open) {
			entries.delete(row.entry.key);
			row.remove();
		}
		row = before;
	}
}

export function showCounts() {
	const hidden = list.querySelectorAll(":scope > li[hidden]").length;
	const shown = entries.size - hidden;
	const parts = [`${number.format(shown)} shown`];
	if (shown >= MAX_ROWS) parts.push(`older ones are left out above ${MAX_ROWS}`);
	if (skipped) parts.push(`${number.format(skipped)} were never shown`);
	if (missed) parts.push(`${number.format(missed)} were not sent, as this page was too slow`);
	setText($("counts"), parts.join(" · "));
	setText($("pause"), !paused ? "Pause" : waiting.length ? `Resume (${waiting.length})` : "Resume");
	const off = kept === 0 ? "Nothing is kept to show: the global option segment_pixel has recent off." : "";
	const filtered = Object.values(filters()).some(Boolean) || $("filter-text").value.trim();
	$("empty").hidden = shown > 0;
	setText($("empty"), off || (filtered ? "No event fits the filters." : "No event yet. Build a pixel below and load it: it shows here."));
}

function clearRows() {
	const times = [...entries.values()].map((entry) => entry.at);
	if (waiting.length > 0) times.push(timeOf(waiting.at(-1)));
	clearedUpTo = Math.max(clearedUpTo, ...times);
	entries.clear();
	list.replaceChildren();
	waiting = [];
	skipped = missed = 0;
	showCounts();
}

// offer adds a value to a select once.
export function offer(select, value) {
	if (!value || [...select.children].some((option) => option.value === value)) return;
	select.append(el("option", "", value));
}

$("pause").addEventListener("click", () => {
	paused = !paused;
	nextFrame();
});
$("clear").addEventListener("click", clearRows);
for (const id of ["filter-source", "filter-type", "filter-outcome", "filter-fetch"]) $(id).addEventListener("change", refilter);
let typing;
$("filter-text").addEventListener("input", () => {
	clearTimeout(typing);
	typing = setTimeout(refilter, 250);
});
list.addEventListener("keydown", moveAmongRows);
list.addEventListener("focusin", (event) => setTabStop(event.target.closest("#rows > li")));
list.addEventListener("toggle", openRow, true); // a toggle does not bubble
