// SPDX-License-Identifier: Apache-2.0

import { $, el, setText } from "./dom.js";
import { PATIENCE_MS, POLL_MS } from "./caddy.js";
import { offerBases, offerSeals } from "./build/build.js";
import { showCards, handlerCard, sinkCard, spoolCard, totalsCard } from "./cards.js";
import { keeps, offer } from "./events.js";
import { plot } from "./plots.js";
import { distinctSinks, distinctSpools } from "./sinks.js";

let lostSince;

export async function poll() {
	try {
		const response = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
		if (!response.ok) throw new Error(`Caddy answered ${response.status}.`);
		showStatus(await response.json());
		lostSince = undefined;
	} catch (problem) {
		lostSince ??= new Date();
		showBanner("is-bad", `✕ No status from Caddy since ${lostSince.toLocaleTimeString("en-GB")}`, [
			"What is shown may be old. Asking again every two seconds.",
			problem.message,
		]);
	}
	setTimeout(poll, POLL_MS);
}

function showStatus(status) {
	const problems = status.problems ?? [];
	if (!status.ready) showBanner("is-bad", "✕ Not ready", problems);
	else if (problems.length > 0) showBanner("is-warn", "▲ Ready, but look at this", problems);
	else showBanner("is-good", "✓ Ready", []);
	setText($("version"), `${status.version} on Caddy ${status.caddy}`);
	const handlers = status.handlers ?? [];
	for (const handler of handlers) for (const source of handler.sources ?? []) offer($("filter-source"), source);
	for (const reason of Object.keys(status.outcomes?.rejected ?? {})) offer($("filter-reasons"), reason);
	offerBases(handlers);
	offerSeals(status.builder_seals);
	const sinks = distinctSinks(handlers);
	showCards([totalsCard(status), ...sinks.map(sinkCard), ...distinctSpools(sinks).map(spoolCard), ...handlers.map(handlerCard)]);
	plot(status, sinks);
	keeps(status.recent?.kept);
}

function showBanner(className, title, problems) {
	$("banner").className = className;
	setText($("banner-title"), title);
	// Only what changes is touched, so that a screen reader hears it once.
	const shown = [...$("banner-problems").children].map((item) => item.textContent);
	if (shown.join("\n") === problems.join("\n")) return;
	$("banner-problems").replaceChildren(...problems.map((problem) => el("li", "", problem)));
}
