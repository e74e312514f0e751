// SPDX-License-Identifier: Apache-2.0

import { $, el, offer } from "../dom.js";
import { PATIENCE_MS } from "../caddy.js";
import { hostOf } from "../format.js";

let places = []; // {source, base, key}
let asked,
	touched = false; // Somebody has typed a place of their own.

// offerPlaces proposes what the configuration names, once for each configuration. The
// host of a request is never proposed: anybody may send one, and the snippets have the
// write key in them.
export async function offerPlaces(runningSince) {
	if (asked === runningSince) return;
	asked = runningSince;
	try {
		const response = await fetch("sources", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
		if (response.ok) showPlaces((await response.json()).sources);
	} catch {
		asked = undefined; // The next status asks again.
	}
}

function showPlaces(sources) {
	places = sources.flatMap(({ source, addresses, write_key: key }) => (addresses ?? [""]).map((base) => ({ source, base, key })));
	const before = $("build-source").value;
	$("build-source").replaceChildren(...places.map(({ source, base }) => el("option", "", base ? `${source}, ${hostOf(base)}` : source)));
	for (const { base } of places) offer($("build-bases"), base);
	$("build-source").value = before;
	if ($("build-source").selectedIndex >= 0) return;
	$("build-source").selectedIndex = 0;
	if (!touched) usePlace();
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
for (const id of ["build-base", "build-key"]) {
	$(id).addEventListener("input", () => {
		touched = true;
	});
}
