// SPDX-License-Identifier: Apache-2.0

import { $, el } from "../dom.js";
import { number } from "../format.js";
import { eventPairs } from "./pixel.js";
import { bareTags, hasTag } from "./presets.js";

const LONG_URL = 2000; // above this, mail clients and proxies begin to cut
const TOO_LONG_URL = 15000; // above this, Caddy refuses the request unread

// isExample tells whether nobody has named a site yet.
export function isExample(url) {
	return url.startsWith("https://example.com/");
}

// notes are what is wrong with the pixel so far, as the handler would see it.
export function buildNotes(url) {
	const pairs = eventPairs();
	const has = (name) => pairs.some(([other]) => other === name);
	const type = $("build-type").value;
	const notes = [];
	const note = (level, text) => notes.push(el("li", level, `${level === "bad" ? "✕" : "▲"} ${text}`));
	if (!/^https?:\/\/[^/]+/.test(url)) note("bad", "The base URL begins with https:// and names a host.");
	else if (isExample(url)) note("warn", "The base URL is an example: name your site.");
	else if (url.startsWith("http://")) note("warn", "Over plain HTTP, AMP and many mail clients do not load it.");
	if (!has("writeKey")) note("bad", "no_write_key: it names no write key.");
	if (!has("userId") && !has("anonymousId")) note("bad", "no_identity: it needs a userId or an anonymousId.");
	if (type === "track" && !has("event")) note("bad", "no_event: a track call needs an event.");
	if (type === "group" && !has("groupId")) note("bad", "no_group_id: a group call needs a groupId.");
	if (type === "alias" && !(has("userId") && (has("previousId") || has("anonymousId")))) {
		note("bad", "no_previous_id: an alias call needs a userId, and a previousId or an anonymousId.");
	}
	if (!$("output-fields").checked && pairs.some(([, value]) => hasTag(value))) {
		note("bad", "Merge tags do not work inside data: write it as dotted fields.");
	}
	const bare = !$("output-fields").checked ? [] : pairs.flatMap(([, value]) => bareTags(value));
	if (bare.length) {
		note(
			"warn",
			`${bare[0]} has no filter for URLs: with + or & in it, its value becomes another one. Ids of letters and digits are safe.`,
		);
	}
	if (url.length > TOO_LONG_URL) {
		note("bad", `Above ${number.format(TOO_LONG_URL)} characters Caddy refuses the request before the pixel sees it.`);
	} else if (url.length > LONG_URL) note("warn", `Above ${number.format(LONG_URL)} characters many mail clients and proxies cut URLs.`);
	return notes;
}
