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
	"SendGrid, dynamic templates": { user: "{{user_id}}", hint: "user_id is a name of your own: send it in dynamic_template_data." },
	"SendGrid, legacy templates": { user: "-user_id-", hint: "-user_id- is a substitution tag of your own: send it in substitutions." },
	Braze: { user: "{{${user_id}}}", campaign: "{{campaign.${api_id}}}", hint: "{{${user_id}}} is the external id of the user." },
	"Salesforce Marketing Cloud": { user: "%%_subscriberkey%%", campaign: "%%jobid%%", hint: "%%jobid%% is the id of the send." },
	"Customer.io": { user: "{{customer.id}}", campaign: "{{campaign.id}}", hint: "{{customer.id}} is your own id of the person." },
	HubSpot: { user: "{{contact.email}}", hint: "An address in a URL ends up in logs: an id in a contact property of your own is better." },
	"AMP page, amp-pixel": {
		anonymous: "CLIENT_ID(segment_pixel)",
		hint: "AMP puts in an id of the client that it keeps in a cookie of this name.",
	},
};
export const MERGE_TAG = /(\{\{.*?\}{2,}|\{%.*?%\}|\*\|.+?\|\*|%%[^%\s]+%%|\[\[[a-z]+:.+?\]\]|\$\{[^}]+\}|CLIENT_ID\([^)]*\))/;
export const DASHED_TAG = /^-\w+-$/; // needs no encoding, and could be plain text elsewhere

export function hasTag(value) {
	return MERGE_TAG.test(value) || DASHED_TAG.test(value);
}
