// SPDX-License-Identifier: Apache-2.0

import { $, el, setText } from "./dom.js";
import { offerSeals } from "./build/build.js";
import { offerPlaces } from "./build/places.js";
import { handlerCard, showCards, sinkCard, spoolCard, totalsCard } from "./cards.js";
import { keeps } from "./events.js";
import { offerFilters, showTotals } from "./filters.js";
import { plot } from "./plots.js";
import { distinctSinks, distinctSpools } from "./sinks.js";

let lostSince;

export function showStatus(status) {
	lostSince = undefined;
	const problems = status.problems ?? [];
	if (!status.ready) showBanner("is-bad", "✕ Not ready", problems);
	else if (problems.length > 0) showBanner("is-warn", "▲ Ready, but look at this", problems);
	else showBanner("is-good", "✓ Ready", []);
	setText($("version"), `${status.version} on Caddy ${status.caddy}`);
	const handlers = status.handlers ?? [];
	for (const handler of handlers) for (const source of handler.sources ?? []) offerFilters({ source });
	showTotals(status.outcomes);
	offerPlaces(status.running_since);
	offerSeals(status.builder_seals);
	const sinks = distinctSinks(handlers);
	const spools = distinctSpools(sinks);
	showCards([totalsCard(status), ...sinks.map(sinkCard), ...spools.map(spoolCard), ...handlers.map(handlerCard)]);
	plot(status, sinks, spools);
	keeps(status.recent?.kept);
}

export function showLost(why) {
	lostSince ??= new Date();
	showBanner("is-bad", `✕ Nothing from Caddy since ${lostSince.toLocaleTimeString("en-GB")}`, [
		why,
		"What is shown is from before. The page goes on by itself when Caddy is there again.",
	]);
}

function showBanner(className, title, problems) {
	$("banner").className = className;
	setText($("banner-title"), title);
	const shown = [...$("banner-problems").children].map((item) => item.textContent);
	if (shown.join("\n") === problems.join("\n")) return;
	$("banner-problems").replaceChildren(...problems.map((problem) => el("li", "", problem)));
}
