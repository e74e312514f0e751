// SPDX-License-Identifier: Apache-2.0

package fetcher

import (
	"bufio"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the documents that tests make")

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

func ask(c *Classifier, agent string) Verdict {
	return c.Classify(&Request{UserAgent: agent, Header: http.Header{}.Get})
}

func TestKnownAgents(t *testing.T) {
	c := New(nil)
	for agent, want := range map[string]string{
		"":     "unknown",
		chrome: "reader",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148": "reader",
		"Mozilla/5.0": "prefetch/apple",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0": "prefetch/gmail",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246":             "reader",
		"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)":                                                   "proxy/gmail",
		"YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html":                                                                    "proxy/yahoo",
		"github-camo (876de43e)": "proxy/github",
		"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; Microsoft Outlook 16.0.5071; ms-office; MSOffice 16)": "reader",
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)":                                                                                       "preview/slack",
		"WhatsApp/2.23.20.0": "preview/whatsapp",
		"WhatsApp/2":         "preview/signal",
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)":                                                                                           "preview/facebook",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0": "preview/imessage",
		"facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984":                                                                              "preview/kakaotalk",
		"TelegramBot (like TwitterBot)": "preview/telegram",
		"hey.com/imageproxy Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36": "proxy/hey",
		"Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1682":                                        "bot/powershell",
		"curl/8.9.1":           "bot/curl",
		"Go-http-client/2.0":   "bot/go",
		"python-requests/2.32": "bot/python",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "bot/crawler",
	} {
		for range 2 { // also from what is remembered
			if got := ask(c, agent).String(); got != want {
				t.Errorf("%q: got %s, want %s", agent, got, want)
			}
		}
	}
}

// TestTable has every line of the table recognized by what it names, and none shadowed by
// another one.
func TestTable(t *testing.T) {
	for i, rule := range Table() {
		if rule.From == "" || rule.Seen == "" {
			t.Errorf("line %d has no source, or was not looked up", i+1)
		}
		q := Request{UserAgent: chrome, Header: http.Header{}.Get}
		switch {
		case len(rule.Agents) > 0:
			if q.UserAgent = rule.Agents[0].Text; rule.Agents[0].As == Anywhere || rule.Agents[0].As == End {
				q.UserAgent = "Some " + q.UserAgent
			}
		case len(rule.Headers) > 0:
			q.Header = http.Header{rule.Headers[0].Field: {rule.Headers[0].Text + ";x"}}.Get
		default:
			q.Address = rule.Networks[0].Addr().Next()
		}
		verdict, found := New(nil).Explain(&q)
		if found == nil || found.From != rule.From || verdict != rule.Verdict {
			t.Errorf("line %d, %v: got %v", i+1, rule.Verdict, verdict)
		}
	}
}

func TestOwnRulesFirst(t *testing.T) {
	c := New([]Rule{
		{Verdict: Verdict{Scanner, "acme"}, Agents: []Agent{{Text: "AcmeScan"}, {Text: "x", As: Whole}}},
		{Verdict: Verdict{Bot, "own"}, Headers: []Header{{"X-Monitor", "pixel"}}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		{Verdict: Verdict{Kind: Reader}, Agents: []Agent{{Text: "curl/"}}, Networks: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}},
	})
	monitor := http.Header{"X-Monitor": {"the PIXEL"}}
	for _, test := range []struct {
		agent   string
		header  http.Header
		address string
		want    string
	}{
		{"Mozilla/5.0 acmescan/3", nil, "192.0.2.1", "scanner/acme"},
		{"x", nil, "192.0.2.1", "scanner/acme"},
		{"xy", nil, "192.0.2.1", "reader"},
		{chrome, monitor, "192.0.2.1", "bot/own"},
		{chrome, monitor, "198.51.100.1", "reader"},
		{chrome, nil, "192.0.2.1", "reader"},
		{"curl/8", nil, "2001:db8::1", "reader"},
		{"curl/8", nil, "192.0.2.1", "bot/curl"},
		{"curl/8", http.Header{"Sec-Purpose": {"prefetch;prerender"}}, "", "prefetch/browser"},
	} {
		address, _ := netip.ParseAddr(test.address)
		if got := c.Classify(&Request{UserAgent: test.agent, Header: test.header.Get, Address: address}).String(); got != test.want {
			t.Errorf("%q %v %s: got %s, want %s", test.agent, test.header, test.address, got, test.want)
		}
	}
}

func TestReason(t *testing.T) {
	c := New([]Rule{{Verdict: Verdict{Scanner, "acme"}, Agents: []Agent{{Text: "Acme"}}}})
	for agent, want := range map[string]string{
		"Acme/1": "a fetcher of the configuration: `Acme` in the user agent",
		"curl/8": "`curl/` in the user agent, see https://github.com/monperrus/crawler-user-agents/blob/master/crawler-user-agents.json",
		"":       "it says nothing of itself",
		chrome:   "no rule knows it",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "the list of crawlerdetect",
	} {
		if got := Reason(c.Explain(&Request{UserAgent: agent, Header: http.Header{}.Get})); got != want {
			t.Errorf("%q: got %q, want %q", agent, got, want)
		}
	}
}

// TestFlood makes up user agents. Memory and questions are bounded, and what is known
// stays known.
func TestFlood(t *testing.T) {
	c := New(nil)
	now := time.Now()
	c.budget.now = func() time.Time { return now }
	ask(c, chrome)
	unknown := 0
	for n := range 3 * mostAgents {
		if ask(c, fmt.Sprintf("Browser/%d", n)).Kind == Unknown {
			unknown++
		}
		if n%100 == 0 && ask(c, chrome).Kind != Reader {
			t.Fatal("a known agent was forgotten")
		}
	}
	if want := 3*mostAgents - asksAtOnce + 1; unknown != want {
		t.Errorf("%d of %d are unknown, want %d", unknown, 3*mostAgents, want)
	}
	now = now.Add(time.Second)
	if ask(c, "Browser/another").Kind != Reader {
		t.Error("nobody is asked any more")
	}
	ask(c, strings.Repeat("long", longestAgent))
	if n := len(c.known.young) + len(c.known.old); n > 2*mostAgents {
		t.Errorf("%d agents are remembered", n)
	}
}

func TestNoAllocation(t *testing.T) {
	c := New(nil)
	q := &Request{UserAgent: chrome, Header: http.Header{"Accept": {"*/*"}}.Get, Address: netip.MustParseAddr("192.0.2.1")}
	if n := testing.AllocsPerRun(100, func() { c.Classify(q) }); n > 0 {
		t.Errorf("a known agent costs %v allocations", n)
	}
}

// TestCrawlers reads the lists that crawlerdetect is tested with: every crawler is a
// machine or fetches for somebody, and no device is a machine. Of the devices, one in five
// is looked at; under the race detector, of both one in twenty of these.
func TestCrawlers(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/x-way/crawlerdetect").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := New(nil)
	now := time.Now()
	c.budget.now = func() time.Time { now = now.Add(time.Second); return now }
	folder := filepath.Join(strings.TrimSpace(string(out)), "testdata")
	each(t, filepath.Join(folder, "crawlers.txt"), 1, func(agent string) {
		if kind := ask(c, agent).Kind; kind == Reader && !strings.Contains(strings.ToLower(agent), "outlook") && !strings.Contains(strings.ToLower(agent), "office") {
			t.Errorf("%q is a reader", agent)
		}
	})
	each(t, filepath.Join(folder, "devices.txt"), 5, func(agent string) {
		if verdict := ask(c, agent); verdict.Kind.Machine() == "yes" {
			t.Errorf("%q is %v", agent, verdict)
		}
	})
}

func each(t *testing.T, name string, step int, do func(line string)) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for n := 0; lines.Scan(); n++ {
		if n%(step*sample) == 0 {
			do(lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestTableIsDocumented makes the table of docs/fetchers.md. With -update it writes it.
func TestTableIsDocumented(t *testing.T) {
	var table strings.Builder
	table.WriteString("| kind | by | request | from | seen |\n|---|---|---|---|---|\n")
	for _, rule := range Table() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | <%s> | %s |\n", rule.Kind, rule.By, rule.Conditions(), rule.From, rule.Seen)
	}
	name := filepath.Join("..", "..", "docs", "fetchers.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(text), "| kind | by | request |")
	want := before + table.String()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !found || string(text) != want {
		t.Error("docs/fetchers.md is not as the table is: run go test ./pixel/fetcher -run Documented -update")
	}
}
