// SPDX-License-Identifier: Apache-2.0

import { list } from "./rows.js";

let tabStop; // the one row that Tab reaches; arrow keys go on from there

// keepTabStop lets Tab reach the newest row, unless the reader is in another one.
export function keepTabStop() {
	if (tabStop?.isConnected && tabStop.contains(document.activeElement)) return;
	setTabStop(list.firstElementChild);
}

export function setTabStop(row) {
	tabStop?.querySelector("summary").setAttribute("tabindex", "-1");
	tabStop = row;
	tabStop?.querySelector("summary").setAttribute("tabindex", "0");
}

export function moveAmongRows(event) {
	const row = event.target.closest("summary")?.closest("#rows > li");
	if (!row) return;
	const next = {
		ArrowDown: () => row.nextElementSibling,
		ArrowUp: () => row.previousElementSibling,
		Home: () => list.firstElementChild,
		End: () => list.lastElementChild,
	}[event.key];
	if (!next) return;
	event.preventDefault();
	next()?.querySelector("summary").focus();
}
