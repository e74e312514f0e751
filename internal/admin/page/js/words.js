// SPDX-License-Identifier: Apache-2.0

import { el } from "./dom.js";

export const TYPES = ["track", "page", "screen", "identify", "group", "alias"];
export const MARKS = { accepted: "✓", rejected: "✕", dropped: "▼", failed: "⚠" };
export const COLORS = { accepted: "good", rejected: "bad", dropped: "warn", failed: "bad" };

export function outcomeMark(outcome) {
	return el("span", COLORS[outcome], `${MARKS[outcome] ?? "?"} ${outcome}`);
}
