// SPDX-License-Identifier: Apache-2.0

import { $, button, el, setText } from "../dom.js";
import { snippet } from "../copy.js";
import { number } from "../format.js";
import { TYPES } from "../words.js";
import { buildNotes, isExample } from "./notes.js";
import { ampAnalytics, escapeHTML, pixelURL, sealEvent } from "./pixel.js";
import { hasTag, PRESETS, SHAPES } from "./presets.js";

function addProperty(name = "", value = "") {
	const inputs = [
		["name", name],
		["value", value],
	].map(([what, text]) => {
		const input = el("input");
		input.value = text;
		input.placeholder = what;
		input.spellcheck = false;
		input.setAttribute("aria-label", `Property ${what}`);
		return input;
	});
	const row = el("div", "property", ...inputs);
	const remove = button("Remove", () => {
		row.remove();
		$("add-property").focus();
		rebuild();
	});
	row.append(remove);
	$("property-rows").append(row);
	return inputs[0];
}

const outputs = {
	url: "URL",
	img: "Image, for mail and pages",
	"amp-pixel": "AMP pixel",
	"amp-analytics": "AMP analytics, vendor segment",
};
for (const [id, title] of Object.entries(outputs)) {
	const made = snippet(title, "");
	made.querySelector("pre").id = `out-${id}`;
	$(id.startsWith("amp") ? "amp-snippets" : "snippets").append(made);
}

// offerSeals shows the choice of a sealed token where the operator allows it.
export function offerSeals(allowed) {
	$("choice-sealed").hidden = !allowed;
}

function rebuild() {
	show();
	sealEvent().then((changed) => changed && show(), show);
}

function show() {
	const url = pixelURL();
	const { name } = SHAPES[$("build-type").value];
	$("build-name").parentElement.hidden = !name;
	setText($("build-name-label"), name ?? "");
	setText($("build-properties").querySelector("legend"), SHAPES[$("build-type").value].free);
	setText($("out-url"), url);
	setText($("out-img"), `<img src="${escapeHTML(url)}" width="1" height="1" alt="">`);
	setText($("out-amp-pixel"), `<amp-pixel src="${escapeHTML(url)}"></amp-pixel>`);
	setText($("out-amp-analytics"), ampAnalytics());
	setText($("build-length"), `${number.format(url.length)} characters`);
	setText($("preset-hint"), PRESETS[$("preset").value].hint);
	setText($("loaded"), "");
	const notes = buildNotes(url);
	const said = notes.map((note) => note.textContent).join("\n");
	if ([...$("build-notes").children].map((note) => note.textContent).join("\n") !== said) $("build-notes").replaceChildren(...notes);
}

// usePreset puts a tool's tags in, in place of those of another one.
function usePreset() {
	const preset = PRESETS[$("preset").value];
	for (const input of $("build-form").querySelectorAll("input")) if (hasTag(input.value)) input.value = "";
	for (const row of [...$("property-rows").children]) {
		const [name, value] = row.querySelectorAll("input");
		if (!value.value && (!name.value || name.value === "campaign")) row.remove();
	}
	if (preset.user) $("build-user").value = preset.user;
	if (preset.anonymous) $("build-anonymous").value = preset.anonymous;
	addProperty(preset.campaign ? "campaign" : "", preset.campaign);
	$("output-fields").checked = true;
	rebuild();
}

function loadPixel() {
	if (isExample(pixelURL())) {
		setText($("loaded"), "✕ Name your site in the base URL: this would go to example.com.");
		return;
	}
	const image = new Image();
	setText($("loaded"), "Loading …");
	image.addEventListener("load", () => setText($("loaded"), "✓ Loaded. Its row is on top of the events."));
	image.addEventListener("error", () => setText($("loaded"), "✕ No image came: is the base URL that of the pixel?"));
	image.src = pixelURL();
}

for (const type of TYPES) {
	$("filter-type").append(el("option", "", type));
	$("build-type").append(el("option", "", type));
}
$("preset").append(...Object.keys(PRESETS).map((name) => el("option", "", name)));
$("build-form").addEventListener("input", rebuild);
$("build-form").addEventListener("submit", (event) => event.preventDefault());
$("add-property").addEventListener("click", () => addProperty().focus());
$("use-preset").addEventListener("click", usePreset);
$("load").addEventListener("click", loadPixel);

addProperty();
rebuild();
