// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"net/netip"
	"slices"
	"strings"
)

const (
	looked = "2026-11-29"
	// unseen is for what is commonly known, and said there as far as anybody remembers,
	// but was not looked up.
	unseen  = ""
	mailgun = "https://www.mailgun.com/blog/product/bot-detection/"
	bird    = "https://bird.com/blog/gmail-prefetching-images"
	field   = "https://check.live-direct-marketing.online/blog/bot-clicks-security-scanners-detect"
	slack   = "https://api.slack.com/robots"
	meta    = "https://developers.facebook.com/docs/sharing/webmasters/web-crawlers"
	parsers = "https://github.com/faisalman/ua-parser-js/issues/494"
	crawler = "https://github.com/x-way/crawlerdetect"
)

// Table are our own rules, in the order in which they are asked. Each says where it is
// from, and when that was looked up, if it was. What only resembles a fetcher does not stand here: to
// call a reader a machine is worse than the other way round.
func Table() []Rule { return slices.Concat(ofMail(), ofChats(), ofPrograms()) }

func ofMail() []Rule {
	return []Rule{
		// Browsers that fetch ahead say so in a header field.
		header(Prefetch, "browser", "Sec-Purpose", "prefetch", "https://wicg.github.io/nav-speculation/prefetch.html", unseen),
		header(Prefetch, "browser", "Purpose", "prefetch", "https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Purpose", unseen),
		header(Prefetch, "browser", "X-Moz", "prefetch", "https://developer.mozilla.org/docs/Web/HTTP/Guides/Link_prefetching_FAQ", unseen),

		// Mail providers that fetch before anybody reads.
		agent(Prefetch, "apple", "Mozilla/5.0", Whole, mailgun, looked), // Mail Privacy Protection
		agent(Prefetch, "gmail", "Edge/12.246 Mozilla/5.0", End, bird, looked),
		agent(Scanner, "gmail", "Gmail-content-sampling", Anywhere, "https://github.com/mssola/user_agent/issues/71", looked),

		// Those that fetch when somebody opens the mail or the page.
		agent(Proxy, "gmail", "GoogleImageProxy", Anywhere, "https://github.com/browscap/browscap/issues/1108", looked),
		agent(Proxy, "yahoo", "YahooMailProxy", Anywhere, parsers, looked),
		agent(Proxy, "github", "github-camo", Anywhere, "https://github.com/atmos/camo", unseen),
		agent(Proxy, "slack", "Slack-ImgProxy", Anywhere, slack, unseen),

		// Security products, as far as they say who they are.
		agent(Scanner, "barracuda", "Barracuda", Anywhere, field, looked),
		agent(Scanner, "proofpoint", "Proofpoint", Anywhere, field, looked),
		agent(Scanner, "mimecast", "Mimecast", Anywhere, "https://www.mimecast.com", unseen),
		agent(Scanner, "cisco", "CiscoSecureEmail", Anywhere, field, looked),
		agent(Scanner, "microsoft", "BingPreview", Anywhere, "https://www.bing.com/webmasters/help/which-crawlers-does-bing-use-8c184ec0", unseen),
		network(Scanner, "microsoft", "40.92.0.0/15 40.107.0.0/17 2a01:111:f403::/48", "https://github.com/v-paalex/OfficeDocs-o365seccomp", looked),
	}
}

func ofChats() []Rule {
	return []Rule{
		// Link previews.
		agent(Preview, "slack", "Slackbot", Anywhere, slack, unseen),
		agent(Preview, "whatsapp", "WhatsApp/", Anywhere, meta, unseen), // Signal says the same of itself
		agent(Preview, "facebook", "facebookexternalhit", Anywhere, meta, unseen),
		agent(Preview, "facebook", "Facebot", Anywhere, meta, unseen),
		agent(Preview, "facebook", "meta-externalfetcher", Anywhere, meta, unseen),
		agent(Preview, "linkedin", "LinkedInBot", Anywhere, "https://www.linkedin.com/robots.txt", unseen),
		agent(Preview, "discord", "Discordbot", Anywhere, "https://discord.com/robots.txt", unseen),
		agent(Preview, "telegram", "TelegramBot", Anywhere, "https://core.telegram.org/bots/webhooks", unseen),
		agent(Preview, "teams", "SkypeUriPreview", Anywhere, "https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/link-unfurling", unseen),
		agent(Preview, "signal", "Signal-Android", Anywhere, "https://github.com/signalapp/Signal-Android", unseen),
		agent(Preview, "signal", "Signal-Desktop", Anywhere, "https://github.com/signalapp/Signal-Desktop", unseen),
		agent(Preview, "signal", "Signal-iOS", Anywhere, "https://github.com/signalapp/Signal-iOS", unseen),
		agent(Preview, "twitter", "Twitterbot", Anywhere, "https://developer.x.com/docs/x-for-websites/cards/guides/getting-started", unseen),
		agent(Preview, "pinterest", "Pinterestbot", Anywhere, "https://help.pinterest.com/business/article/pinterest-crawler", unseen),
		agent(Preview, "reddit", "redditbot", Anywhere, "https://www.reddit.com/robots.txt", unseen),
		agent(Preview, "embedly", "Embedly", Anywhere, "https://docs.embed.ly/docs/user-agent", unseen),
	}
}

func ofPrograms() []Rule {
	return []Rule{
		// Mail clients that the list of crawlers takes for one.
		agent(Reader, "", "Microsoft Outlook", Anywhere, crawler, looked),
		agent(Reader, "", "ms-office", Anywhere, crawler, looked),
		agent(Reader, "", "MSOffice", Anywhere, crawler, looked),
		agent(Reader, "", "Outlook-iOS", Anywhere, crawler, looked),
		agent(Reader, "", "Outlook-Android", Anywhere, crawler, looked),

		// HTTP libraries.
		agent(Bot, "curl", "curl/", Anywhere, "https://curl.se/docs/manpage.html", unseen),
		agent(Bot, "wget", "Wget/", Anywhere, "https://www.gnu.org/software/wget/manual/wget.html", unseen),
		agent(Bot, "python", "python-requests/", Anywhere, "https://requests.readthedocs.io", unseen),
		agent(Bot, "python", "Python-urllib/", Anywhere, "https://docs.python.org/3/library/urllib.request.html", unseen),
		agent(Bot, "python", "aiohttp/", Anywhere, "https://docs.aiohttp.org", unseen),
		agent(Bot, "python", "python-httpx/", Anywhere, "https://www.python-httpx.org", unseen),
		agent(Bot, "go", "Go-http-client/", Anywhere, "https://pkg.go.dev/net/http", unseen),
		agent(Bot, "java", "Apache-HttpClient/", Anywhere, "https://hc.apache.org/httpcomponents-client-5.4.x/", unseen),
		agent(Bot, "java", "Java/", Start, "https://docs.oracle.com/javase/8/docs/technotes/guides/net/properties.html", unseen),
		agent(Bot, "node", "node-fetch", Anywhere, "https://github.com/node-fetch/node-fetch", unseen),
		agent(Bot, "node", "axios/", Anywhere, "https://axios-http.com", unseen),
		agent(Bot, "node", "undici", Whole, "https://undici.nodejs.org", unseen),
		agent(Bot, "node", "node", Whole, "https://undici.nodejs.org", unseen), // its built-in fetch
		agent(Bot, "perl", "libwww-perl/", Anywhere, "https://metacpan.org/pod/LWP::UserAgent", unseen),
		agent(Bot, "php", "GuzzleHttp/", Anywhere, "https://docs.guzzlephp.org", unseen),
		agent(Bot, "ruby", "Ruby", Whole, "https://docs.ruby-lang.org/en/master/Net/HTTP.html", unseen),
		agent(Bot, "postman", "PostmanRuntime/", Anywhere, "https://learning.postman.com/docs/sending-requests/create-requests/headers/", unseen),
		agent(Bot, "chrome", "HeadlessChrome", Anywhere, "https://developer.chrome.com/docs/chromium/headless", unseen),
	}
}

func agent(kind Kind, by, text string, as Part, from, seen string) Rule {
	return Rule{Verdict: Verdict{kind, by}, Agents: []Agent{{text, as}}, From: from, Seen: seen}
}

func header(kind Kind, by, field, text, from, seen string) Rule {
	return Rule{Verdict: Verdict{kind, by}, Headers: []Header{{field, text}}, From: from, Seen: seen}
}

func network(kind Kind, by, prefixes, from, seen string) Rule {
	rule := Rule{Verdict: Verdict{kind, by}, From: from, Seen: seen}
	for prefix := range strings.FieldsSeq(prefixes) {
		rule.Networks = append(rule.Networks, netip.MustParsePrefix(prefix))
	}
	return rule
}
