// SPDX-License-Identifier: Apache-2.0

import { $, el } from "./dom.js";
import { PATIENCE_MS } from "./caddy.js";
import { snippet } from "./copy.js";
import { maskKeys, parseExactly } from "./format.js";
import { outcomeMark } from "./words.js";

export async function explain(url, into) {
	into.replaceChildren(el("p", "muted", "Asking Caddy …"));
	try {
		const response = await fetch("explain", {
			method: "POST",
			headers: { "Content-Type": "text/plain" },
			body: url.trim(),
			signal: AbortSignal.timeout(PATIENCE_MS),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`Caddy answered ${response.status}: ${maskKeys(text)}`);
		into.replaceChildren(...explanation(text));
	} catch (problem) {
		into.replaceChildren(el("p", "bad", `This could not be explained. ${problem.message}`));
	}
}

function explanation(text) {
	const said = JSON.parse(text);
	const shown = [
		el(
			"p",
			"",
			el("strong", "", outcomeMark(said.outcome)),
			[said.type, said.source]
				.filter(Boolean)
				.map((name) => ` · ${name}`)
				.join(""),
		),
	];
	if (said.reason) shown.push(whyRejected(said));
	if (said.repairs?.length) shown.push(el("p", "", `Repaired: ${said.repairs.join(", ")}`));
	shown.push(el("ol", "steps", (said.steps ?? []).map(explainedStep)));
	if (said.event) shown.push(snippet("What would be published", JSON.stringify(parseExactly(text).event, null, 2)));
	return shown;
}

function explainedStep(step) {
	const mark = el("span", step.ok ? "good" : "bad", step.ok ? "✓" : "✕");
	mark.setAttribute("role", "img");
	mark.setAttribute("aria-label", step.ok ? "passed" : "failed");
	return el(
		"li",
		"",
		mark,
		el(
			"div",
			"stack",
			el("p", "", el("strong", "", step.step), step.detail ? `: ${maskKeys(step.detail)}` : ""),
			step.text ? el("pre", "", maskKeys(step.text)) : "",
		),
	);
}

export function whyRejected(record) {
	return el(
		"div",
		"why",
		el("p", "", el("strong", "mono", record.reason), record.detail ? `: ${maskKeys(record.detail)}` : ""),
		record.hint ? el("p", "", maskKeys(record.hint)) : "",
	);
}

$("explain-form").addEventListener("submit", (event) => {
	event.preventDefault();
	explain($("explain-input").value, $("explanation"));
});
