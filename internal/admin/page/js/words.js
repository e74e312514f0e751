// SPDX-License-Identifier: Apache-2.0

import { el } from "./dom.js";

export const TYPES = ["track", "page", "screen", "identify", "group", "alias"];
export const MARKS = { accepted: "✓", rejected: "✕", dropped: "▼", failed: "⚠" };
export const COLORS = { accepted: "good", rejected: "bad", dropped: "warn", failed: "bad" };

export const DEFAULT_PREFIX = "/v1/pixel";

export const FETCHERS = {
	reader: "the reader's own browser or mail client",
	proxy: "for the reader, when the mail or the page was opened",
	prefetch: "whether or not anybody reads",
	scanner: "a security product",
	preview: "a link preview",
	bot: "a crawler or an HTTP library",
	unknown: "nobody knows who",
};

export function outcomeMark(outcome) {
	return el("span", COLORS[outcome], `${MARKS[outcome] ?? "?"} ${outcome}`);
}

// sourceName names what has no source as well.
export function sourceName(source) {
	return source || "no known source";
}
