// SPDX-License-Identifier: Apache-2.0

export const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let unit = 0;
	for (; n >= 1024 && unit < units.length - 1; unit++) n /= 1024;
	return `${number.format(n)} ${units[unit]}`;
}

export function duration(seconds) {
	if (seconds < 120) return `${number.format(seconds)} s`;
	if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
	return `${number.format(seconds / 3600)} h`;
}

export function micros(us) {
	if (us === undefined) return "";
	return us < 1000 ? `${number.format(us)} µs` : `${number.format(us / 1000)} ms`;
}

// maskKeys hides write keys in what came from the network.
export function maskKeys(text) {
	return text.replace(/\b(write_?key=)[^&\s]+/gi, "$1•••").replace(/("writeKey"\s*:\s*")(?:[^"\\]|\\.)*/g, "$1•••");
}

// parseExactly keeps numbers as they were sent where the browser can, because
// those of JavaScript would round them.
export function parseExactly(text) {
	if (!JSON.rawJSON) return JSON.parse(text);
	return JSON.parse(text, (_, value, context) =>
		typeof value === "number" && String(value) !== context?.source ? JSON.rawJSON(context.source) : value,
	);
}

export function sum(numbers) {
	return Object.values(numbers ?? {}).reduce((total, n) => total + n, 0);
}

export function counted(counts) {
	return Object.entries(counts ?? {})
		.filter(([, n]) => n > 0)
		.sort(([, a], [, b]) => b - a)
		.map(([name, n]) => `${number.format(n)} ${name}`)
		.join(", ");
}

// when is a time of today, or one with its day.
export function when(time) {
	const at = new Date(time);
	const day = at.toDateString() === new Date().toDateString() ? "" : `${at.toLocaleDateString("en-GB")} `;
	return day + at.toLocaleTimeString("en-GB");
}

// hostOf is the host of an address with its port, also if that is none for browsers.
export function hostOf(address) {
	return /^[a-z]+:\/\/([^/]*)/.exec(address)?.[1] ?? address;
}
