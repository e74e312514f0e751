// SPDX-License-Identifier: Apache-2.0

import { $, el, offer } from "../dom.js";
import { PATIENCE_MS } from "../caddy.js";

let places = []; // {source, base, key}
let asked;

// offerPlaces proposes what the configuration names, once for each configuration. The
// host of a request is never proposed: anybody may send one, and the snippets have the
// write key in them.
export async function offerPlaces(runningSince) {
	if (asked === runningSince) return;
	asked = runningSince;
	const response = await fetch("sources", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
	if (!response.ok) return;
	const { sources } = await response.json();
	places = sources.flatMap(({ source, addresses, write_key: key }) => (addresses ?? [""]).map((base) => ({ source, base, key })));
	const chosen = $("build-source").selectedIndex;
	$("build-source").replaceChildren(
		...places.map(({ source, base }) => el("option", "", base ? `${source}, ${new URL(base).host}` : source)),
	);
	$("build-source").selectedIndex = Math.min(Math.max(chosen, 0), places.length - 1);
	for (const { base } of places) offer($("build-bases"), base);
	if (chosen < 0) usePlace();
}

// usePlace fills in what is known of the chosen source.
function usePlace() {
	const place = places[$("build-source").selectedIndex];
	if (!place) return;
	if (place.base) $("build-base").value = place.base;
	$("build-key").value = place.key ?? "YOUR_WRITE_KEY";
	$("build-form").dispatchEvent(new Event("input"));
}

$("build-source").addEventListener("change", usePlace);
