// SPDX-License-Identifier: Apache-2.0

export const $ = (id) => document.getElementById(id);

// el makes an element. Children are elements or texts; what is missing is left out.
export function el(name, className, ...children) {
	const element = document.createElement(name);
	if (className) element.className = className;
	element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
	return element;
}

export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

export function button(label, action) {
	const made = el("button", "", label);
	made.type = "button";
	made.addEventListener("click", () => action(made));
	return made;
}

// facts lists names and values; values that are missing are left out.
export function facts(pairs) {
	const known = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
	return el(
		"dl",
		"facts",
		known.flatMap(([name, value]) => [el("dt", "", name), el("dd", "", value)]),
	);
}

export function svg(name, attributes, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
	element.append(...children);
	return element;
}

// offer adds a value to a select or a datalist once.
export function offer(select, value) {
	if (!value || [...select.children].some((option) => option.value === value)) return;
	select.append(el("option", "", value));
}

// arrange has a list hold these items in this order. It moves as few as it can: one that
// is moved loses the focus.
export function arrange(list, items) {
	for (const item of [...list.children]) if (!items.includes(item)) item.remove();
	if (list.contains(document.activeElement)) {
		list.append(...items.filter((item) => item.parentElement !== list));
		return; // The order can wait.
	}
	items.forEach((item, i) => {
		if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
	});
}
