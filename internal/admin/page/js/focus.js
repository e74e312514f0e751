// SPDX-License-Identifier: Apache-2.0

import { list } from "./rows.js";

let tabStop; // the one row that Tab reaches; arrow keys go on from there

export function visibleRow(row, step) {
	while (row?.hidden) row = row[step];
	return row;
}

// keepTabStop lets Tab reach the newest row, unless the reader is in another one.
export function keepTabStop() {
	if (tabStop?.isConnected && !tabStop.hidden && tabStop.contains(document.activeElement)) return;
	setTabStop(visibleRow(list.firstElementChild, "nextElementSibling"));
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
		ArrowDown: () => visibleRow(row.nextElementSibling, "nextElementSibling"),
		ArrowUp: () => visibleRow(row.previousElementSibling, "previousElementSibling"),
		Home: () => visibleRow(list.firstElementChild, "nextElementSibling"),
		End: () => visibleRow(list.lastElementChild, "previousElementSibling"),
	}[event.key];
	if (!next) return;
	event.preventDefault();
	next()?.querySelector("summary").focus();
}
