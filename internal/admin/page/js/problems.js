// SPDX-License-Identifier: Apache-2.0

import { $, arrange, setText } from "./dom.js";
import { recordDetails } from "./details.js";
import { isChosen, toggle } from "./filters.js";
import { maskKeys, number, when } from "./format.js";
import { COLORS, MARKS, sourceName } from "./words.js";

const items = new Map(); // by what tells one problem from another

// showProblems shows what was not accepted, grouped. Only what has changed is touched:
// somebody may be reading.
export function showProblems(problems) {
	const shown = problems.map((problem) => {
		// The detail of a rejected request is that of the sample, and changes with it.
		const cause = problem.reason ?? problem.detail;
		const key = JSON.stringify([problem.outcome, cause, problem.source, problem.host, problem.other_hosts]);
		if (!items.has(key)) items.set(key, buildProblem(problem));
		const item = items.get(key);
		fillProblem(item, problem);
		return item;
	});
	for (const [key, item] of items) if (!shown.includes(item)) items.delete(key);
	arrange($("problem-list"), shown);
	$("no-problem").hidden = shown.length > 0;
}

// pressProblems shows which problem the rows are of.
export function pressProblems() {
	for (const item of items.values()) item.querySelector("button").setAttribute("aria-pressed", isChosen(filtersOf(item.problem)));
}

function filtersOf({ outcome, reason, source, host }) {
	const wanted = { outcome: reason ? "" : outcome, reason, source, host };
	return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
}

function buildProblem(problem) {
	const item = $("problem-template").content.firstElementChild.cloneNode(true);
	item.problem = problem;
	const chip = item.querySelector("button");
	chip.classList.add(COLORS[problem.outcome]);
	chip.setAttribute("aria-pressed", isChosen(filtersOf(problem)));
	chip.addEventListener("click", () => toggle(filtersOf(item.problem)));
	item.querySelector("details").addEventListener("toggle", showSample);
	return item;
}

function fillProblem(item, problem) {
	item.problem = problem;
	const said = problem.outcome === "rejected" ? problem.reason : problem.outcome;
	setText(item.querySelector("button"), `${MARKS[problem.outcome]} ${said}`);
	setText(item.querySelector(".count"), `${number.format(problem.count)} ×`);
	const host = problem.other_hosts ? "all other hosts" : problem.host;
	setText(item.querySelector(".where"), [sourceName(problem.source), host].filter(Boolean).join(" · "));
	setText(item.querySelector(".seen"), `${when(problem.first_seen)} to ${when(problem.last_seen)}`);
	setText(item.querySelector(".detail"), maskKeys(problem.detail ?? ""));
	setText(item.querySelector(".remedy"), maskKeys(problem.hint ?? ""));
}

// showSample fills a sample when it is opened, and empties it when it is closed.
function showSample(event) {
	const details = event.target;
	details.querySelector(":scope > div")?.remove();
	if (details.open) details.append(recordDetails(JSON.stringify(details.closest(".problem").problem.sample)));
}
