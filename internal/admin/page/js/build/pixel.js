// SPDX-License-Identifier: Apache-2.0

import { $ } from "../dom.js";
import { MERGE_TAG, SHAPES } from "./presets.js";

export function propertyRows() {
	return [...$("property-rows").children].map((row) => [...row.querySelectorAll("input")].map((input) => input.value));
}

// eventPairs is the event as dotted names and values, without what is empty.
export function eventPairs() {
	const { name, free } = SHAPES[$("build-type").value];
	const pairs = [
		["writeKey", $("build-key").value],
		["userId", $("build-user").value],
		["anonymousId", $("build-anonymous").value],
	];
	if (name) pairs.push([name, $("build-name").value]);
	for (const [property, value] of propertyRows()) if (property.trim()) pairs.push([`${free}.${property.trim()}`, value]);
	return pairs.filter(([, value]) => value !== "");
}

export function encodeValue(value) {
	return value
		.split(MERGE_TAG)
		.map((part, i) => (i % 2 ? part : encodeURIComponent(part)))
		.join("");
}

// nest makes the object that the handler makes of dotted fields. Objects have no
// prototype, so that any name is only a name.
export function nest(pairs) {
	const root = Object.create(null);
	for (const [path, value] of pairs) {
		const names = path.split(".").filter(Boolean);
		let at = root;
		for (const name of names.slice(0, -1)) at = typeof at[name] === "object" ? at[name] : (at[name] = Object.create(null));
		at[names.at(-1)] ??= value;
	}
	return withArrays(root);
}

// withArrays turns objects whose names are 0, 1, 2 … into arrays.
export function withArrays(value) {
	if (typeof value !== "object") return value;
	const names = Object.keys(value);
	for (const name of names) value[name] = withArrays(value[name]);
	return names.length && names.every((name, i) => name === String(i)) ? Object.values(value) : value;
}

export function base64url(text) {
	const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
	return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// sealed is the token of the last object that was sealed, by which it is known.
const sealed = { object: "", token: "" };

// sealEvent has Caddy seal the event, unless it is sealed already, and tells whether there is
// another token then.
export async function sealEvent() {
	const object = JSON.stringify(nest(eventPairs()));
	if (!$("output-sealed").checked || object === sealed.object) return false;
	const answer = await fetch("seal", { method: "POST", body: object });
	const token = answer.ok ? (await answer.json()).token : "";
	if (object !== JSON.stringify(nest(eventPairs()))) return false; // somebody has typed on
	Object.assign(sealed, { object, token });
	return true;
}

function queryOf(pairs) {
	if ($("output-sealed").checked) return `data=${sealed.token}`;
	return $("output-data").checked
		? `data=${base64url(JSON.stringify(nest(pairs)))}`
		: pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeValue(value)}`).join("&");
}

export function pixelURL() {
	const query = queryOf(eventPairs());
	return `${$("build-base").value.trim().replace(/\/+$/, "")}/${$("build-type").value}?${query}`;
}

export function escapeHTML(text) {
	return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// ampAnalytics configures AMP's built-in vendor "segment", which sends page and
// track calls. Its own trigger is redirected, or a track would come with a page.
export function ampAnalytics() {
	const type = $("build-type").value;
	if (type !== "page" && type !== "track") return "AMP's segment vendor sends page and track only: use <amp-pixel>.";
	const own = ["writeKey", "anonymousId", SHAPES[type].name];
	const pairs = eventPairs();
	const config = {
		vars: Object.fromEntries(pairs.filter(([name]) => own.includes(name))),
		requests: { host: $("build-base").value.trim().replace(/\/+$/, "") },
		triggers: type === "track" ? { page: { on: "visible", request: "track" } } : undefined,
		extraUrlParams: Object.fromEntries(pairs.filter(([name]) => !own.includes(name))),
	};
	const json = JSON.stringify(config, null, 2).replaceAll("<", "\\u003c");
	const script = "script"; // The end tag of our own element must not stand here.
	return `<amp-analytics type="segment">\n<${script} type="application/json">\n${json}\n</${script}>\n</amp-analytics>`;
}

// notes are what is wrong with the pixel so far, as the handler would see it.
