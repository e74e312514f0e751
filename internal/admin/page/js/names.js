// SPDX-License-Identifier: Apache-2.0

import { $, arrange, button, el, setText } from "./dom.js";
import { isChosen, toggle } from "./filters.js";
import { number } from "./format.js";

const MOST = 20;
const nameItems = new Map(); // by type, source and name
const more = el("li", "hint");

// showNames shows how often each event came. Each filters.
export function showNames(events) {
	$("names").hidden = events.length === 0;
	const shown = events.slice(0, MOST).map((event) => {
		const key = JSON.stringify([event.type, event.source, event.event, event.other_names]);
		if (!nameItems.has(key)) nameItems.set(key, nameItem(event));
		const item = nameItems.get(key);
		setText(item.lastElementChild, number.format(event.count));
		return item;
	});
	if (events.length > MOST) {
		setText(more, `and ${number.format(events.length - MOST)} more`);
		shown.push(more);
	}
	arrange($("name-list"), shown);
}

// pressNames shows which events the rows are of.
export function pressNames() {
	for (const item of nameItems.values()) press(item);
}

function press(item) {
	item.firstElementChild.setAttribute("aria-pressed", isChosen(item.wanted));
}

function nameItem({ type, event, source, other_names: isRest }) {
	const wanted = event ? { type, source, event } : { type, source, outcome: "accepted" };
	const chip = button(isRest ? "all other names" : (event ?? type), () => toggle(wanted));
	chip.disabled = Boolean(isRest);
	const item = el("li", "", chip, el("span", "muted", event || isRest ? `${type} · ${source}` : source), el("span", "count"));
	item.wanted = wanted;
	press(item);
	return item;
}
