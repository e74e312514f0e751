// SPDX-License-Identifier: Apache-2.0

package pixel

var reasonHints = [reasonCount]string{
	Method: "Only GET makes an event, because a pixel is an image that is loaded. " +
		"Replace a form, a beacon or a POST by an <img> or a GET with the same query.",
	UnknownRoute: "The path must go on behind its prefix with identify, group, alias, page, screen or track, as in /v1/pixel/track. " +
		"Correct the pixel, or the path_prefix if that names the wrong part of the path.",
	NoData: "Add data=<base64 of the event>, or fields such as writeKey=... and userId=..., to the URL of the pixel. " +
		"If they are there, a redirect, a CDN or a rewrite on the way drops the query.",
	BadBase64: "Something stands in data that is no base64, often a merge tag that was not filled in, or JSON that was never encoded. " +
		"Encode the whole object at once, in the URL-safe alphabet, and send what changes with each mail as fields beside it.",
	Truncated: "The end of the payload is missing: mail clients, proxies and logs cut long URLs, and a raw # or & in a value ends it. " +
		"Keep the URL under 2,000 characters and percent-encode every value.",
	NotUTF8: "The payload was written in another character set, often Latin-1 or Windows-1252. " +
		"Encode it as UTF-8; in JavaScript, btoa and escape do not, while TextEncoder and encodeURIComponent do. " +
		"If it is readable up to a byte and garbage from there on, plus signs were cut out of the base64: send the URL-safe alphabet.",
	BadJSON: "The payload is readable, but no strict JSON: look for a quotation mark or a line break in a filled-in value, " +
		"a trailing comma, single quotes or a repeated name. Have a JSON encoder write it instead of joining pieces of text.",
	NotObject: "data must hold one JSON object, {...}. Send each element of an array as a pixel of its own, " +
		"and do not encode JSON that is a text in JSON already.",
	TooDeep: "Objects and arrays may nest 64 levels. A payload that nests deeper is hardly meant: look for an object that holds itself, " +
		"or a template that repeats.",
	TooLarge: "Send less: whole documents and lists do not belong into a pixel. The operator can raise max_event_size; " +
		"what fits into a URL is bounded besides by the request header, 16 KiB unless max_header_size says otherwise.",
	CaseMangled: "A mail client, a security scanner or a rewrite lower-cased the URL, and base64 does not survive that. " +
		"If it happens to every request, find what rewrites the links; if to a few, those clients are lost.",
	NotSealed: "This site takes sealed pixels alone (seal ... required). Make the URL with caddy segment-pixel url --seal, or with any JOSE library " +
		"and a key of the file; to let pixels in that are not sealed, leave required out.",
	BadSeal: "The token is forged, cut off, too old, of a key that is not in the file any more, or not made as docs/sealed.md says. " +
		"Keep an old key in the file for as long as mails with it may be opened, and see that nothing on the way changes the URL.",
	NoWriteKey: "The pixel needs writeKey, spelt exactly so, as text, inside data or as a parameter. " +
		"Look for a misspelt name, or a merge tag that came out empty.",
	UnknownWriteKey: "Compare the pixel's writeKey with write_key and the write_keys files of the Caddyfile: letter case and spaces count. " +
		"Keep an old key configured for as long as mails with it may be opened.",
	NoIdentity: "The pixel needs userId or anonymousId, and not empty. Look for a misspelt name, " +
		"or a merge tag that found nothing for this recipient, and give it a default.",
	NoEvent: "A track pixel needs the name of what happened as a text, such as event=Email Opened. " +
		"Add event, or use page or screen if something was only viewed.",
	NoGroupID:    "A group pixel needs groupId, which says whom the user belongs to. Add it, or use identify if there is no group.",
	NoPreviousID: "An alias pixel needs userId, the new identity, and previousId or anonymousId, the old one. Add what is missing.",
	BadType: "Correct the field that is named: properties, traits, context and integrations are objects, and the others are text. " +
		"As parameters, the members of an object are written with dots, as in properties.subject=Hello.",
	GPC: "The browser sends Sec-GPC: 1, and this site honours it on purpose (honor gpc). " +
		"Nothing is wrong; the event is not published and its payload is not kept.",
	DNT: "The browser sends DNT: 1, and this site honours it on purpose (honor dnt). " +
		"Nothing is wrong; the event is not published and its payload is not kept.",
	Suppressed: "The person is on the list of those who have withdrawn consent (suppress). " +
		"Nothing is wrong; the event is not published, and nothing of it is kept.",
	Undeliverable: "The pixel was good, but no stream can ever store the event, mostly because it is larger than the stream's or the server's largest message, or because of its subject. " +
		"Mend that; the event was set aside beside the spool, in undeliverable.ndjson, and caddy segment-pixel replay --undeliverable <file> publishes it.",
}

// Hint says what the likely cause is and what the operator or the author of the
// pixel can do. Accepted has none.
func (r Reason) Hint() string {
	if r < reasonCount {
		return reasonHints[r]
	}
	return ""
}

// repairHints are in the order of repairNames.
var repairHints = [len(repairNames)]string{
	"The base64 text lost plus signs or gained white space or =3D on its way. Send the URL-safe alphabet without padding, which nothing changes.",
	"The value was percent-encoded twice. Leave one of the two encodings out; base64 in the URL-safe alphabet needs none.",
	"The payload begins with a byte order mark. Save the template as UTF-8 without it.",
	"The value of a parameter is in double quotes, as AMP writes it. Leave them out where you can.",
	`The name of a parameter begins with "amp;": the URL was escaped for HTML once too often. Write & instead of &amp; where no HTML is parsed.`,
	"An identity is a number in the JSON and is published as text. Write it in quotation marks, so that large numbers keep their digits everywhere.",
	"The messageId is empty, no text or longer than 100 bytes, and was replaced. Send a short text that no other event has, or none.",
	"A time cannot be parsed and counts as absent. Write it as 2026-01-31T12:00:00.000Z, as Unix time, or as mail and JavaScript do.",
	"Zero-width characters, soft hyphens or no-break spaces got into data, mostly by copying it from a text. Copy the URL from its source instead.",
	"Quotation marks, brackets or the end of a sentence came with the URL, or data:...;base64, stands in front. Take the value alone.",
	"A tool has appended ?utm_source=... or a #fragment although the URL has a query already. Have it append with &, or leave the pixel alone.",
	"The query holds HTML character references such as &quot; or &#61;: it was escaped for HTML where no HTML is parsed. Percent-encode it instead.",
	"The payload was written in UTF-16, Windows-1252 or Latin-1, as by btoa, escape or Encoding.Unicode, and was read as such. Encode it as UTF-8.",
	"The JSON was not strict: a raw line break in a text, a comma too many, NaN, half an emoji, or JSON within a text. Have a JSON encoder write it.",
	"The name of a parameter has brackets, as PHP and jQuery write them, which were read as dots. Nothing is wrong with that.",
	"White space stood around the write key or an identity and was dropped. Trim the value where the template is filled in.",
	"A merge tag arrived as it stands in the template; an identity that was nothing else counts as absent. See why the tool has not filled it in, and give it a default.",
	"A template fills a value in without a filter for URLs: + has become a space, and & cuts a value and begins another parameter, so that it may be of another person. " +
		"Write the filter of the template engine, as caddy segment-pixel url --engine does.",
	"A parameter came twice, and the first counts. For a list, write tags.0=...&tags.1=... or tags[]=...",
}

// RepairHint says of a repair, by its name, what was mended and how the author of
// the pixel can avoid it. It is empty for a name that is no repair's.
func RepairHint(name string) string {
	for i, known := range repairNames {
		if known == name {
			return repairHints[i]
		}
	}
	return ""
}
