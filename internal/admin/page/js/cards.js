// SPDX-License-Identifier: Apache-2.0

import { $, el, facts } from "./dom.js";
import { bytes, counted, duration, number, sum } from "./format.js";
import { siteOf } from "./sinks.js";

// A card is described as data: {title, ok, fields: [[name, text]], problems, level}.
export function totalsCard(status) {
	const { accepted = 0, rejected = {}, dropped = 0, failed = 0 } = status.outcomes ?? {};
	return {
		title: "Requests",
		fields: [
			["running since", new Date(status.running_since).toLocaleString("en-GB")],
			["accepted", number.format(accepted)],
			["rejected", number.format(sum(rejected))],
			["because of", counted(rejected)],
			["dropped", number.format(dropped)],
			["failed", failed && number.format(failed)],
			["repaired", counted(status.repairs)],
			[
				"by source",
				(status.mended ?? [])
					.slice(0, 8)
					.map((m) => `${((100 * m.events) / m.of).toPrecision(2)} % of ${m.source || "unknown"}: ${m.repair}`)
					.join(", "),
			],
			[
				"repeated ids",
				(status.repeating ?? []).map((r) => `${r.source || "unknown"}: ${number.format(r.last_hour)} in the last hour`).join(", "),
			],
			["untrusted proxy", status.untrusted_proxy ? `${number.format(status.untrusted_proxy)} requests: see trusted_proxies` : ""],
			[
				"kept to show",
				status.recent?.kept
					? `${number.format(status.recent.kept)} accepted and as many others, payloads ${status.recent.payloads}`
					: "nothing",
			],
		],
	};
}

export function sinkCard(sink) {
	const counts = sink.counts;
	return {
		title: `Sink ${sink.name}`,
		ok: sink.ready,
		word: sink.ready ? "ready" : "not ready",
		fields: [
			["of", [...sink.sites].join("; ")],
			["server", sink.server],
			["writes to", [...sink.outputs].join(", ")],
			["subject", sink.subject],
			["NATS", sink.connected === undefined ? "" : sink.connected ? `connected to ${sink.nats ?? "it"}` : "not connected"],
			["stream", sink.stream && `${sink.stream.names?.join(", ") || "none"}, ${sink.stream.batched ? "batched" : "asynchronous"}`],
			["published", counts && number.format(counts.published)],
			["acked", counts && sink.stream && number.format(counts.acked)],
			["retried", counts?.retried && number.format(counts.retried)],
			["set aside", counts?.set_aside && number.format(counts.set_aside)],
			["dropped", counted(counts?.dropped)],
		],
		problems: [...(sink.problems ?? []), sink.stream?.failure, ...(sink.stream?.findings ?? [])],
	};
}

export function spoolCard(spool) {
	const ok = spool.open && !spool.full && !spool.failing;
	return {
		title: "Spool",
		ok,
		word: !spool.open ? "not open" : spool.full ? "full" : spool.failing ? "failing" : "open",
		fields: [
			["directory", spool.dir],
			["events", number.format(spool.events)],
			["oldest", spool.events ? duration(spool.oldest_seconds) : ""],
			["bytes", `${bytes(spool.bytes)} of ${bytes(spool.capacity)}`],
			["sync", spool.sync],
		],
		meter: spool.bytes / spool.capacity,
		problems: [spool.failing && `The last write failed: ${spool.failing}`, spool.waiting && `Events wait: ${spool.waiting}`],
	};
}

export function handlerCard(handler) {
	return {
		title: `Handler of ${siteOf(handler)}`,
		fields: [
			["paths", handler.path_prefixes?.join(" ")],
			["sources", handler.sources?.join(", ")],
			["largest event", bytes(handler.max_event_size)],
			["client IP", handler.client_ip],
			["withdrawn consent", handler.suppress && `${number.format(handler.suppress.people)} people`],
			["sinks", handler.sinks?.map((sink) => sink.sink).join(", ")],
		],
		problems: handler.problems ?? [],
	};
}

// showCards rebuilds only the cards that say something new, so that a text that
// somebody has selected stays selected.
export function showCards(cards) {
	const shown = [...$("cards").children];
	cards.forEach((card, i) => {
		const said = JSON.stringify(card);
		if (shown[i]?.said === said) return;
		const made = buildCard(card);
		made.said = said;
		if (shown[i]) shown[i].replaceWith(made);
		else $("cards").append(made);
	});
	shown.slice(cards.length).forEach((card) => card.remove());
}

export function buildCard({ title, ok, word, fields, meter, problems = [] }) {
	const made = el(
		"article",
		"card",
		el("div", "bar", el("h3", "", title), word ? el("span", ok ? "good" : "bad", `${ok ? "✓" : "✕"} ${word}`) : ""),
		facts(fields.map(([name, value]) => [name, value || undefined])),
	);
	if (meter !== undefined) {
		const gauge = el("meter");
		gauge.value = meter;
		gauge.high = 0.8;
		gauge.setAttribute("aria-label", "share of the spool's capacity");
		made.append(gauge);
	}
	const said = [...new Set(problems.filter(Boolean))];
	if (said.length) {
		made.append(
			el(
				"ul",
				ok === false ? "bad" : "warn",
				said.map((problem) => el("li", "", problem)),
			),
		);
	}
	return made;
}
