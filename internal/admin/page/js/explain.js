// SPDX-License-Identifier: Apache-2.0

import { $, el } from "./dom.js";
import { PATIENCE_MS } from "./caddy.js";
import { snippet } from "./copy.js";
import { maskKeys, parseExactly } from "./format.js";
import { outcomeMark } from "./words.js";

// ask returns what the handlers that run make of a URL, as text.
export async function ask(url) {
	const response = await fetch("explain", {
		method: "POST",
		headers: { "Content-Type": "text/plain" },
		body: url.trim(),
		signal: AbortSignal.timeout(PATIENCE_MS),
	});
	const text = await response.text();
	if (!response.ok) throw new Error(`Caddy answered ${response.status}: ${maskKeys(text)}`);
	return text;
}

export function explanation(text) {
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

// readSoFar shows the object as far as it was read, and says so if it would be judged
// otherwise today.
export function readSoFar(text, reason) {
	const said = JSON.parse(text);
	const step = (said.steps ?? []).findLast((one) => one.text && ["json", "data"].includes(one.step));
	const shown = [];
	if (said.event) shown.push(snippet("What would be published", JSON.stringify(parseExactly(text).event, null, 2)));
	else if (step) shown.push(snippet("As far as it was read", indented(maskKeys(step.text))));
	else shown.push(el("p", "muted", "Nothing of it could be read."));
	if ((said.reason ?? "") !== (reason ?? "")) {
		shown.push(
			el(
				"p",
				"hint",
				`Read again, it is ${said.reason ?? said.outcome}: the configuration has changed since, the query was cut, or what counted is no part of it, such as a header field.`,
			),
		);
	}
	return shown;
}

// indented lays a whole object out, and leaves alone what is none.
function indented(text) {
	try {
		return JSON.stringify(parseExactly(text), null, 2);
	} catch {
		return text;
	}
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
		el("p", "", el("strong", "mono", record.reason ?? record.outcome), record.detail ? `: ${maskKeys(record.detail)}` : ""),
		record.hint ? el("p", "", maskKeys(record.hint)) : "",
	);
}

$("explain-form").addEventListener("submit", async (event) => {
	event.preventDefault();
	$("explanation").replaceChildren(el("p", "muted", "Asking Caddy …"));
	$("explanation").replaceChildren(...(await ask($("explain-input").value).then(explanation, failure)));
});

export function failure(problem) {
	return [el("p", "bad", `This could not be explained. ${problem.message}`)];
}
