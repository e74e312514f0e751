// SPDX-License-Identifier: Apache-2.0

import { $, button, el, offer, setText } from "./dom.js";
import { number, sum } from "./format.js";
import { COLORS, MARKS } from "./words.js";

const SELECTS = ["source", "host", "type", "fetch"];
const LINK = "#event-"; // what an address ends in that leads to one record, before its id
const MOST_HOSTS = 100; // Clients send any.
const followers = [];

// What is no control of its own: an outcome or a reason, the name of an event, and the
// id of one record.
const chosen = { outcome: "", reason: "", event: "", id: "" };

// filters are the parameters of the server's own filter, but for those that are empty.
export function filters() {
	const all = { ...chosen, text: $("filter-text").value.trim() };
	for (const name of SELECTS) all[name] = $(`filter-${name}`).value;
	return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
}

// onFilter has a follower called when what is wanted has changed.
export function onFilter(follower) {
	followers.push(follower);
}

// choose sets filters; those that are not named are taken away.
export function choose(wanted) {
	for (const name of SELECTS) {
		offer($(`filter-${name}`), wanted[name]);
		$(`filter-${name}`).value = wanted[name] ?? "";
	}
	$("filter-text").value = wanted.text ?? "";
	for (const name of Object.keys(chosen)) chosen[name] = wanted[name] ?? "";
	changed();
}

// isChosen tells whether exactly these filters are set.
export function isChosen(wanted) {
	const set = filters();
	const names = new Set([...Object.keys(set), ...Object.keys(wanted)]);
	return [...names].every((name) => (set[name] ?? "") === (wanted[name] ?? ""));
}

// toggle sets filters, or takes all away if they are set.
export function toggle(wanted) {
	choose(isChosen(wanted) ? {} : wanted);
}

export function linkTo(id) {
	return `${LINK}${id}`;
}

function changed() {
	if (!chosen.id && location.hash.startsWith(LINK)) history.replaceState(null, "", location.pathname);
	showChosen();
	showHosts();
	const set = Object.keys(filters()).length;
	setText($("filters-title"), set ? `Filters (${set} set)` : "Filters");
	for (const chip of $("totals").children) pressTotal(chip);
	$("export").href = `recent?${new URLSearchParams({ format: "ndjson", ...filters() })}`;
	for (const follower of followers) follower();
}

// showChosen shows what no control shows, to be taken away.
function showChosen() {
	const chips = [];
	if (chosen.event) chips.push(["event", `named ${chosen.event}`]);
	if (chosen.id) chips.push(["id", "one event alone"]);
	$("chosen").replaceChildren(
		...chips.map(([name, text]) =>
			el(
				"li",
				"",
				button(`${text} ✕`, () => {
					choose({ ...filters(), [name]: "" });
					$("events").focus(); // The button has gone.
				}),
			),
		),
	);
}

// offerFilters offers what came in a record or in the configuration.
export function offerFilters(values) {
	for (const name of SELECTS) {
		if (name !== "host" || $("filter-host").options.length <= MOST_HOSTS) offer($(`filter-${name}`), values[name]);
	}
	showHosts();
}

// showHosts shows hosts where there are several: one says nothing.
function showHosts() {
	const several = $("filter-host").options.length > 2 || Boolean($("filter-host").value);
	$("filter-host").parentElement.hidden = !several;
	document.body.classList.toggle("several-hosts", several);
}

// showTotals shows the counts of outcomes and reasons. Each filters by itself.
export function showTotals(outcomes) {
	const { accepted = 0, rejected = {}, dropped = 0, failed = 0 } = outcomes ?? {};
	const reasons = Object.entries(rejected).filter(([, n]) => n > 0);
	reasons.sort(([, a], [, b]) => b - a);
	for (const { wanted } of $("totals").children) if (wanted.reason && !rejected[wanted.reason]) reasons.push([wanted.reason, 0]);
	showTotal("outcome", "accepted", "accepted", accepted);
	for (const [outcome, n] of [
		["rejected", sum(rejected)],
		["dropped", dropped],
		["failed", failed],
	]) {
		if (n > 0 || hasTotal(outcome)) showTotal("outcome", outcome, outcome, n);
	}
	for (const [reason, n] of reasons) showTotal("reason", reason, "rejected", n);
}

// hasTotal tells whether there was one, which another process may have counted.
function hasTotal(outcome) {
	return [...$("totals").children].some((item) => item.wanted.outcome === outcome);
}

function showTotal(filter, value, outcome, n) {
	let chip = [...$("totals").children].find((item) => item.wanted[filter] === value);
	if (!chip) {
		const made = button("", () =>
			choose(isPressed(chip) ? { ...filters(), [filter]: "" } : { ...filters(), outcome: "", reason: "", ...chip.wanted }),
		);
		made.className = COLORS[outcome];
		chip = el("li", "", made);
		chip.wanted = { [filter]: value };
		$("totals").append(chip);
		pressTotal(chip);
	}
	setText(chip.firstElementChild, `${MARKS[outcome]} ${value} ${number.format(n)}`);
}

function isPressed(chip) {
	return Object.entries(chip.wanted).every(([name, value]) => chosen[name] === value);
}

function pressTotal(chip) {
	chip.firstElementChild.setAttribute("aria-pressed", isPressed(chip));
}

function followLink() {
	const id = location.hash.slice(LINK.length);
	if (location.hash.startsWith(LINK) && /^[1-9][0-9]{0,18}$/.test(id)) choose({ id });
}

for (const name of SELECTS) $(`filter-${name}`).addEventListener("change", changed);
let typing;
$("filter-text").addEventListener("input", () => {
	clearTimeout(typing);
	typing = setTimeout(changed, 250);
});
// On a narrow screen the rows come first.
$("filters").open = !matchMedia("(width <= 48rem)").matches;
window.addEventListener("hashchange", followLink);
followLink();
