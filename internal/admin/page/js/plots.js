// SPDX-License-Identifier: Apache-2.0

import { $, el, setText, svg } from "./dom.js";
import { duration, number, sum } from "./format.js";

const PLOTTED_MS = 10 * 60 * 1000;
const LEAST_MS = 1000; // between samples: what is closer together is one answer, kept for all

// A plot is {title, rate, lines: [[name, color, dash]], of: what the lines show now,
// samples: [{at, values}]}, and what is drawn of it.
const plots = new Map();

const REQUESTS = [
	["accepted", "good", ""],
	["rejected", "bad", "dashed"],
	["dropped", "warn", "dotted"],
	["failed", "bad", "long"],
];
const PUBLISHED = ["published", "blue", ""];
const ACKED = ["acked", "good", "dashed"];
const DROPPED = ["dropped", "warn", "dotted"];

export function plot(status, sinks, spools) {
	const now = Date.parse(status.now); // The answer may be kept for a second.
	const outcomes = status.outcomes ?? {};
	const wanted = [
		{ title: "Requests/s", rate: true, lines: REQUESTS, values: { ...outcomes, rejected: sum(outcomes.rejected) } },
		...sinks.filter((sink) => sink.counts).map(ofSink),
		...spools.map((spool) => ({ title: `Events in the spool ${spool.dir}`, lines: [["events", "blue", ""]], values: spool })),
	];
	for (const [title, known] of plots) {
		if (wanted.some((one) => one.title === title)) continue;
		known.figure.remove();
		plots.delete(title);
	}
	for (const one of wanted) addSample(one, now);
}

// ofSink plots a sink by itself: beside one without acks, those of another would look
// like loss.
function ofSink(sink) {
	const { published = 0, acked = 0, dropped } = sink.counts;
	const lines = sink.stream ? [PUBLISHED, ACKED, DROPPED] : [PUBLISHED, DROPPED];
	return { title: `${sink.name}, events/s`, rate: true, lines, values: { published, acked, dropped: sum(dropped) } };
}

function addSample({ title, rate, lines, values }, at) {
	let p = plots.get(title);
	if (!p) {
		p = buildPlot({ title, rate, lines, samples: [] });
		plots.set(title, p);
		$("plots").append(p.figure);
	}
	if (p.samples.length > 0 && at - p.samples.at(-1).at < LEAST_MS) return;
	p.samples.push({ at, values });
	while (p.samples[0].at < at - PLOTTED_MS) p.samples.shift();
	drawPlot(p);
}

// seriesOf returns [time, value] for each sample. A counter that has shrunk is that
// of another process: there the line has a gap.
function seriesOf(p, name) {
	if (!p.rate) return p.samples.map((sample) => [sample.at, sample.values[name]]);
	return p.samples.slice(1).map((sample, i) => {
		const grown = (sample.values[name] ?? 0) - (p.samples[i].values[name] ?? 0);
		return [sample.at, grown < 0 ? null : (grown / (sample.at - p.samples[i].at)) * 1000];
	});
}

// drawPlot draws what is known of the last ten minutes, but a minute at least. A line
// that is nothing but zero is left out: it would look like something that happens.
function drawPlot(p) {
	const now = p.samples.at(-1).at;
	const span = Math.max(60_000, now - p.samples[0].at);
	const series = p.lines.map(([name]) => seriesOf(p, name));
	const highest = Math.max(1, ...series.flat().map(([, value]) => value ?? 0));
	p.lines.forEach((_, i) => {
		const flat = series[i].every(([, value]) => !value);
		p.paths[i].setAttribute("d", flat ? "" : pathOf(series[i], now, span, highest));
		p.legend[i].classList.toggle("muted", flat);
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
	p.legend = p.lines.map(([name, color, dash], i) =>
		el(
			"li",
			"",
			svg("svg", { viewBox: "0 0 28 8", "aria-hidden": "true" }, svg("path", { class: `plot-line ${color} ${dash}`, d: "M0 4H28" })),
			`${name} `,
			p.values[i],
		),
	);
	p.figure = el(
		"figure",
		"",
		el("figcaption", "", el("h3", "", p.title), p.scale),
		svg("svg", { viewBox: "0 0 300 60", preserveAspectRatio: "none", "aria-hidden": "true" }, ...p.paths),
		el("ul", "legend", p.legend),
	);
	return p;
}
