// SPDX-License-Identifier: Apache-2.0

import { $, el, setText, svg } from "./dom.js";
import { duration, number, sum } from "./format.js";
import { distinctSpools } from "./sinks.js";

const PLOTTED_MS = 10 * 60 * 1000;
const samples = []; // {at, totals: {name: n}}, one for each answer to a poll
const plots = [
	{
		title: "Requests/s",
		rate: true,
		lines: [
			["accepted", "good", ""],
			["rejected", "bad", "dashed"],
			["dropped", "warn", "dotted"],
			["failed", "bad", "long"],
		],
	},
	{
		title: "Sink events/s",
		rate: true,
		lines: [
			["published", "blue", ""],
			["acked", "good", "dashed"],
			["lost", "warn", "dotted"],
		],
	},
	{ title: "Events in spools", lines: [["spooled", "blue", ""]] },
];

function totals(status, sinks) {
	const outcomes = status.outcomes ?? {};
	const all = (of) => sinks.reduce((total, sink) => total + (of(sink) ?? 0), 0);
	return {
		accepted: outcomes.accepted ?? 0,
		rejected: sum(outcomes.rejected),
		dropped: outcomes.dropped ?? 0,
		failed: outcomes.failed ?? 0,
		published: all((sink) => sink.counts?.published),
		acked: all((sink) => sink.counts?.acked),
		lost: all((sink) => sum(sink.counts?.dropped)),
		spooled: distinctSpools(sinks).reduce((total, spool) => total + spool.events, 0),
	};
}

export function plot(status, sinks) {
	const now = Date.now();
	samples.push({ at: now, totals: totals(status, sinks) });
	while (samples[0].at < now - PLOTTED_MS) samples.shift();
	plots.forEach(drawPlot);
}

// seriesOf returns [time, value] for each sample. A counter that has shrunk is that
// of another process: there the line has a gap.
function seriesOf(name, rate) {
	if (!rate) return samples.map((sample) => [sample.at, sample.totals[name]]);
	return samples.slice(1).map((sample, i) => {
		const grown = sample.totals[name] - samples[i].totals[name];
		return [sample.at, grown < 0 ? null : (grown / (sample.at - samples[i].at)) * 1000];
	});
}

// drawPlot draws what is known of the last ten minutes, but a minute at least.
function drawPlot(p) {
	const now = samples.at(-1).at;
	const span = Math.max(60_000, now - samples[0].at);
	const series = p.lines.map(([name]) => seriesOf(name, p.rate));
	const highest = Math.max(1, ...series.flat().map(([, value]) => value ?? 0));
	p.lines.forEach((_, i) => {
		p.paths[i].setAttribute("d", pathOf(series[i], now, span, highest));
		setText(p.values[i], number.format(series[i].at(-1)?.[1] ?? 0));
	});
	setText(p.scale, `up to ${number.format(highest)}, last ${duration(Math.round(span / 1000))}`);
}

function pathOf(points, now, span, highest) {
	let path = "",
		pen = "M";
	for (const [at, value] of points) {
		if (value === null) {
			pen = "M";
			continue;
		}
		path += `${pen}${(300 * (1 - (now - at) / span)).toFixed(1)} ${(60 - (58 * value) / highest).toFixed(1)}`;
		pen = "L";
	}
	return path;
}

function buildPlot(p) {
	p.paths = p.lines.map(([, color, dash]) => svg("path", { class: `plot-line ${color} ${dash}` }));
	p.values = p.lines.map(() => el("span", "mono", "0"));
	p.scale = el("span", "hint", "");
	const legend = p.lines.map(([name, color, dash], i) =>
		el(
			"li",
			"",
			svg("svg", { viewBox: "0 0 28 8", "aria-hidden": "true" }, svg("path", { class: `plot-line ${color} ${dash}`, d: "M0 4H28" })),
			`${name} `,
			p.values[i],
		),
	);
	return el(
		"figure",
		"",
		el("figcaption", "", el("h3", "", p.title), p.scale),
		svg("svg", { viewBox: "0 0 300 60", preserveAspectRatio: "none", "aria-hidden": "true" }, ...p.paths),
		el("ul", "legend", legend),
	);
}

$("plots").append(...plots.map(buildPlot));
