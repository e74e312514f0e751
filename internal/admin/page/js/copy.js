// SPDX-License-Identifier: Apache-2.0

import { el, button } from "./dom.js";

async function copy(text, from) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		copyBySelection(text); // The clipboard API is for HTTPS and localhost only.
	}
	const label = from.textContent;
	from.textContent = "Copied";
	from.disabled = true;
	setTimeout(() => {
		from.textContent = label;
		from.disabled = false;
	}, 1200);
}

function copyBySelection(text) {
	const area = el("textarea", "unseen", text);
	document.body.append(area);
	area.select();
	document.execCommand("copy");
	area.remove();
}

// snippet is a titled text to copy.
export function snippet(title, text, ...more) {
	const pre = el("pre", "", text);
	pre.tabIndex = 0; // so that a long one can be scrolled by keyboard
	pre.setAttribute("role", "group");
	pre.setAttribute("aria-label", title);
	const copying = button("Copy", (from) => copy(pre.textContent, from));
	copying.setAttribute("aria-label", `Copy: ${title}`);
	return el("div", "stack", el("div", "bar", el("h4", "", title), ...more, copying), pre);
}
