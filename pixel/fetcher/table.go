// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"net/netip"
	"slices"
	"strings"
)

// When the sources were looked up.
const (
	looked = "2026-11-29"
	later  = "2026-11-30"
)

const (
	mailgun   = "https://www.mailgun.com/blog/product/bot-detection/"
	bird      = "https://bird.com/blog/gmail-prefetching-images"
	field     = "https://check.live-direct-marketing.online/blog/bot-clicks-security-scanners-detect"
	parsers   = "https://github.com/faisalman/ua-parser-js/issues/494"
	crawler   = "https://github.com/x-way/crawlerdetect"
	purposes  = "https://github.com/mdn/browser-compat-data/blob/018687cba3c6a7a7f6c3060d23015493d7e7dda4/http/headers/Sec-Purpose.json"
	robots    = "https://github.com/monperrus/crawler-user-agents/blob/master/crawler-user-agents.json"
	libraries = "https://github.com/matomo-org/device-detector/blob/master/regexes/client/libraries.yml"
	scanners  = "https://github.com/warmbly/warmbly/blob/0b624e75f35ef6395f4b06b871d059851f765246/tracking/scanner-networks.txt"
	facebooks = "https://pastebin.com/MHLPZCNY" // those that call themselves Facebook's
	undici    = "https://github.com/nodejs/undici/blob/main/lib/web/fetch/index.js"
)

// Table are our own rules, in the order in which they are asked. Each says where it is
// from, and when that was looked up. What only resembles a fetcher does not stand here: to
// call a reader a machine is worse than the other way round.
func Table() []Rule { return slices.Concat(ofMail(), ofChats(), ofPrograms()) }

func ofMail() []Rule {
	return []Rule{
		// Browsers that fetch ahead say so in a header field.
		header(Prefetch, "browser", "Sec-Purpose", "prefetch", purposes, later),
		header(Prefetch, "browser", "Purpose", "prefetch", purposes, later),
		header(Prefetch, "browser", "X-Moz", "prefetch", purposes, later),

		// Mail providers that fetch before anybody reads.
		agent(Prefetch, "apple", "Mozilla/5.0", Whole, mailgun, looked), // Mail Privacy Protection
		agent(Prefetch, "gmail", "Edge/12.246 Mozilla/5.0", End, bird, looked),
		agent(Scanner, "gmail", "Gmail-content-sampling", Anywhere, "https://github.com/mssola/user_agent/issues/71", looked),

		// Those that fetch when somebody opens the mail or the page.
		agent(Proxy, "gmail", "GoogleImageProxy", Anywhere, "https://github.com/browscap/browscap/issues/1108", looked),
		agent(Proxy, "yahoo", "YahooMailProxy", Anywhere, parsers, looked),
		agent(Proxy, "seznam", "SeznamEmailProxy", Anywhere, "https://github.com/matomo-org/device-detector/issues/5668", later),
		agent(Proxy, "fastmail", "FastmailUA", Anywhere, robots, later),
		agent(Proxy, "hey", "hey.com/imageproxy", Anywhere, "https://github.com/harvey9091/warmbly/blob/19eb68ecd55a65ffaea4bd803da4e6d4c3fb560e/internal/pkg/mailclient/mailclient.go", later),
		agent(Proxy, "github", "github-camo", Anywhere, robots, later),
		agent(Proxy, "camo", "Camo Asset Proxy", Anywhere, "https://github.com/atmos/camo/blob/02bd45bb3abc390c3951190fce92e28b30a440ee/server.coffee", later), // whoever runs GitHub's program
		agent(Proxy, "slack", "Slack-ImgProxy", Anywhere, "https://usehall.com/agents/slack-imgproxy", later),

		// Security products, as far as they say who they are. Mail is filtered in the
		// networks, and nobody reads any from there.
		agent(Scanner, "barracuda", "Barracuda", Anywhere, field, looked),
		agent(Scanner, "proofpoint", "Proofpoint", Anywhere, field, looked),
		agent(Scanner, "mimecast", "Mimecast", Anywhere, field, looked), // It names the product; no whole agent of it is public.
		agent(Scanner, "cisco", "CiscoSecureEmail", Anywhere, field, looked),
		agent(Scanner, "microsoft", "BingPreview", Anywhere, "https://github.com/phpList/phplist3/issues/415", later), // of Outlook.com, for one
		network(Scanner, "microsoft", "40.92.0.0/15 40.107.0.0/16 52.100.0.0/14 52.238.78.88/32 104.47.0.0/17 2a01:111:f400::/48 2a01:111:f403::/48", scanners, later),
		network(Scanner, "barracuda", "3.24.133.128/25 13.200.136.128/25 15.222.16.128/25 18.133.136.96/27 18.133.136.128/26 18.184.203.224/27 18.185.115.192/26 35.157.190.224/27 35.176.92.96/27 209.222.82.0/24", scanners, later),
	}
}

func ofChats() []Rule {
	return []Rule{
		// Link previews. Those that also call themselves Facebook's stand before it.
		agent(Preview, "slack", "Slackbot", Anywhere, robots, later),
		agent(Preview, "signal", "WhatsApp/2", Whole, "https://github.com/signalapp/Signal-Desktop/blob/0174687542dae4de804860b8302165179600b4e7/ts/linkPreviews/linkPreviewFetch.ts", later), // WhatsApp's own says more of its version
		agent(Preview, "whatsapp", "WhatsApp/", Start, robots, later), // Signal says the same of itself
		agent(Preview, "imessage", "facebookexternalhit/1.1 Facebot Twitterbot/1.0", End, "https://github.com/arcjet/well-known-bots/issues/36", later),
		agent(Preview, "kakaotalk", "kakaotalk-scrap/", Anywhere, facebooks, later),
		agent(Preview, "line", "line-poker/", Anywhere, facebooks, later),
		agent(Preview, "facebook", "facebookexternalhit", Anywhere, robots, later),
		agent(Preview, "facebook", "Facebot", Anywhere, robots, later),
		agent(Preview, "facebook", "meta-externalfetcher", Anywhere, robots, later),
		agent(Preview, "linkedin", "LinkedInBot", Anywhere, robots, later),
		agent(Preview, "discord", "Discordbot", Anywhere, robots, later),
		agent(Preview, "telegram", "TelegramBot", Anywhere, robots, later),
		agent(Preview, "teams", "SkypeUriPreview", Anywhere, robots, later),
		agent(Preview, "twitter", "Twitterbot", Anywhere, robots, later),
		agent(Preview, "pinterest", "Pinterestbot", Anywhere, robots, later),
		agent(Preview, "reddit", "redditbot", Anywhere, robots, later),
		agent(Preview, "bluesky", "Bluesky Cardyb", Anywhere, "https://github.com/bluesky-social/social-app/issues/6521", later),
		agent(Preview, "mastodon", "(Mastodon/", Anywhere, "https://github.com/mastodon/mastodon/blob/002d50511ae8f512f4ca92876192f97e80b95cc3/lib/mastodon/version.rb", later),
		agent(Preview, "mattermost", "Mattermost-Bot/", Anywhere, robots, later),
		agent(Preview, "notion", "team@makenotion.com", Anywhere, robots, later),
		agent(Preview, "snapchat", "Snap URL Preview Service", Anywhere, robots, later),
		agent(Preview, "steam", "SteamChatURLLookup", Anywhere, robots, later),
		agent(Preview, "viber", "Viber", Whole, robots, later),
		agent(Preview, "vk", "vkShare", Anywhere, robots, later),
		agent(Preview, "yahoo", "Yahoo Link Preview", Anywhere, robots, later),
		agent(Preview, "embedly", "Embedly", Anywhere, robots, later),
		agent(Preview, "iframely", "Iframely", Anywhere, robots, later),
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

		// HTTP libraries. Those that apps show pictures with, such as okhttp and Dart's,
		// do not stand here.
		agent(Bot, "curl", "curl/", Anywhere, robots, later),
		agent(Bot, "wget", "Wget/", Anywhere, robots, later),
		agent(Bot, "python", "python-requests/", Anywhere, "https://github.com/psf/requests/blob/main/src/requests/utils.py", later),
		agent(Bot, "python", "Python-urllib/", Anywhere, "https://github.com/python/cpython/blob/main/Lib/urllib/request.py", later),
		agent(Bot, "python", "aiohttp/", Anywhere, "https://github.com/aio-libs/aiohttp/blob/master/aiohttp/http.py", later),
		agent(Bot, "python", "python-httpx/", Anywhere, "https://github.com/encode/httpx/blob/master/httpx/_client.py", later),
		agent(Bot, "go", "Go-http-client/", Anywhere, "https://github.com/golang/go/blob/master/src/net/http/request.go", later),
		agent(Bot, "java", "Apache-HttpClient/", Anywhere, robots, later),
		agent(Bot, "java", "Java/", Start, "https://github.com/openjdk/jdk/blob/master/src/java.base/share/classes/sun/net/www/protocol/http/HttpURLConnection.java", later),
		agent(Bot, "java", "Java-http-client/", Start, "https://github.com/openjdk/jdk/blob/master/src/java.net.http/share/classes/jdk/internal/net/http/HttpRequestImpl.java", later),
		agent(Bot, "node", "node-fetch", Anywhere, "https://github.com/node-fetch/node-fetch/blob/main/README.md", later),
		agent(Bot, "node", "axios/", Anywhere, "https://github.com/axios/axios/blob/v1.x/lib/adapters/http.js", later),
		agent(Bot, "node", "undici", Whole, undici, later),
		agent(Bot, "node", "node", Whole, undici, later), // its built-in fetch
		agent(Bot, "deno", "Deno/", Start, libraries, later),
		agent(Bot, "perl", "libwww-perl/", Anywhere, "https://github.com/libwww-perl/libwww-perl/blob/master/lib/LWP/UserAgent.pm", later),
		agent(Bot, "php", "GuzzleHttp/", Anywhere, "https://github.com/guzzle/guzzle/blob/0325b7a8f9460f417b24b15f0571f6659fc71892/src/Utils.php", later),
		agent(Bot, "ruby", "Ruby", Whole, "https://github.com/ruby/net-http/blob/master/lib/net/http/generic_request.rb", later),
		agent(Bot, "powershell", "PowerShell/", Anywhere, "https://github.com/PowerShell/PowerShell/blob/master/src/Microsoft.PowerShell.Commands.Utility/commands/utility/WebCmdlet/PSUserAgent.cs", later),
		agent(Bot, "postman", "PostmanRuntime/", Anywhere, libraries, later),
		agent(Bot, "insomnia", "insomnia/", Start, libraries, later),
		agent(Bot, "chrome", "HeadlessChrome", Anywhere, robots, later),

		// A crawler that the list of crawlers takes for a reader.
		agent(Bot, "facebook", "meta-externalagent", Anywhere, robots, later),
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
