// SPDX-License-Identifier: Apache-2.0

export const SHAPES = {
	track: { name: "event", free: "properties" },
	page: { name: "name", free: "properties" },
	screen: { name: "name", free: "properties" },
	identify: { free: "traits" },
	group: { name: "groupId", free: "traits" },
	alias: { name: "previousId", free: "properties" },
};
export const PRESETS = {
	Mailchimp: { user: "*|UNIQID|*", campaign: "*|CAMPAIGN_UID|*", hint: "*|UNIQID|* is Mailchimp's own id of the contact." },
	"SendGrid, dynamic templates": {
		user: "{{user_id}}",
		hint: "user_id is a name of your own: send it in dynamic_template_data, percent-encoded, since these templates have no filter for URLs.",
	},
	"SendGrid, legacy templates": { user: "-user_id-", hint: "-user_id- is a substitution tag of your own: send it in substitutions." },
	Braze: {
		user: "{{${user_id} | url_encode}}",
		campaign: "{{campaign.${api_id} | url_encode}}",
		hint: "${user_id} is the external id of the user.",
	},
	"Salesforce Marketing Cloud": {
		user: "%%=URLEncode(_subscriberkey,1)=%%",
		campaign: "%%jobid%%",
		hint: "%%jobid%% is the id of the send, a number.",
	},
	"Customer.io": { user: "{{customer.id | url_encode}}", campaign: "{{campaign.id}}", hint: "customer.id is your own id of the person." },
	HubSpot: {
		user: "{{contact.email|urlencode}}",
		hint: "An address in a URL ends up in logs: an id in a contact property of your own is better.",
	},
	"AMP page, amp-pixel": {
		anonymous: "CLIENT_ID(segment_pixel)",
		hint: "AMP puts in an id of the client that it keeps in a cookie of this name.",
	},
};
export const MERGE_TAG =
	/(\{\{.*?\}{2,}|\{%.*?%\}|\*\|.+?\|\*|%%[^%\s]+%%|\[\[[a-z]+:.+?\]\]|\$\{[^}]+\}|<%.*?%>|#\{[^}]+\}|CLIENT_ID\([^)]*\))/;
export const DASHED_TAG = /^-\w+-$/; // needs no encoding, and could be plain text elsewhere

const ENCODED = /url_?encode|encode_?uri|urlquery|url_escape|url:|\?url\b|uri_escape|cgi\.escape|quote_plus|CLIENT_ID/i;

// bareTags are the tags in a value that have no filter for URLs: + and & in what they
// become make another value of it.
export function bareTags(value) {
	const tags = value.split(MERGE_TAG).filter((_, i) => i % 2);
	return tags.filter((tag) => !ENCODED.test(tag));
}

export function hasTag(value) {
	return MERGE_TAG.test(value) || DASHED_TAG.test(value);
}
