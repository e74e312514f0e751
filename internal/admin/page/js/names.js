// SPDX-License-Identifier: Apache-2.0

import { $, button, el } from "./dom.js";
import { isChosen, toggle } from "./filters.js";
import { number } from "./format.js";

const MOST = 20;
let said;

// showNames shows how often each event came. Each filters.
export function showNames(events) {
	$("names").hidden = events.length === 0;
	const text = JSON.stringify(events.map((event) => [event.type, event.event, event.source, event.count]));
	if (text === said || $("name-list").contains(document.activeElement)) return;
	said = text;
	const items = events.slice(0, MOST).map(nameItem);
	if (events.length > MOST) items.push(el("li", "hint", `and ${number.format(events.length - MOST)} more`));
	$("name-list").replaceChildren(...items);
}

function nameItem(event) {
	const wanted = { type: event.type, source: event.source, outcome: "", event: event.event ?? "" };
	const set = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
	const name = event.other_names ? "all other names" : (event.event ?? event.type);
	const chip = button(name, () => toggle(set));
	chip.setAttribute("aria-pressed", isChosen(set));
	chip.disabled = Boolean(event.other_names);
	return el(
		"li",
		"",
		chip,
		el("span", "muted", event.event || event.other_names ? `${event.type} · ${event.source}` : event.source),
		el("span", "count", number.format(event.count)),
	);
}
