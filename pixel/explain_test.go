// SPDX-License-Identifier: Apache-2.0

package pixel_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
	"github.com/segmentpixel/caddy-segment-pixel/pixel/internal/shown"
)

// TestExplain names, for each query, a step and what it has to say.
func TestExplain(t *testing.T) {
	const who = "writeKey=k&userId=u&"
	const ok = `{"writeKey":"k","userId":"u","event":"e"`
	std := base64.StdEncoding.EncodeToString([]byte(fullOfPlus))
	wrapped := base64.StdEncoding.EncodeToString([]byte(fullOfPlus + "  "))
	wrapped = wrapped[:20] + "\r\n" + wrapped[20:]
	tests := map[string]struct {
		typ        pixel.Type
		query      string
		step, want string // the detail, or a part of it
	}{
		"no query":                  {pixel.Page, "", "query", "neither data nor a field; 0 parameters"},
		"data and fields":           {pixel.Page, "data=e30&" + who + "a.b=1", "query", "4 parameters; data, 3 bytes; 3 fields: writeKey, userId, a.b"},
		"cache buster":              {pixel.Page, who + "cb=1", "query", "ignored: cb (one of ignore_params)"},
		"empty identity":            {pixel.Page, who + "anonymousId=", "query", "ignored: anonymousId (empty, which means absent)"},
		"dots":                      {pixel.Page, who + "a..b=1", "query", "ignored: a..b (a part of the dotted name is empty)"},
		"repeated":                  {pixel.Page, who + "userId=v", "query", "ignored: userId (repeated: the first one counts)"},
		"through a text":            {pixel.Page, who + "a=1&a.b=2", "query", "ignored: a.b (its beginning is a text already: the shorter name counts)"},
		"over longer names":         {pixel.Page, who + "a.b=2&a=1", "query", "a (in place of the longer names that it begins)"},
		"too many":                  {pixel.Page, who + strings.TrimPrefix(manyParams(700), "&"), "query", "more than an event may hold"},
		"data twice":                {pixel.Page, "data=&data=e30&data=x", "query", "ignored: data (repeated: the first one counts); ignored: data (empty)"},
		"a name of spaces":          {pixel.Page, who + "%20+=1", "query", `"  "`},
		"many fields":               {pixel.Page, who + strings.TrimPrefix(manyParams(30), "&"), "query", "more; ignored"},
		"base64":                    {pixel.Track, "data=" + segmentSample, "data", "226 base64 digits, 169 bytes"},
		"escaped":                   {pixel.Track, "data=" + url.QueryEscape(std), "data", "percent escapes undone"},
		"escaped twice":             {pixel.Track, "data=" + url.QueryEscape(url.QueryEscape(std)), "data", "percent-encoded twice: undone a second time"},
		"plain JSON":                {pixel.Track, "data=" + url.QueryEscape(fullOfPlus), "data", "a JSON object as plain text, 56 bytes"},
		"byte order mark":           {pixel.Track, "data=" + url.QueryEscape("\ufeff"+fullOfPlus), "data", "a byte order mark dropped"},
		"byte order mark in base64": {pixel.Track, data("\ufeff" + fullOfPlus), "data", "a byte order mark dropped"},
		"plus as space":             {pixel.Track, "data=" + strings.ReplaceAll(std, "+", "%20"), "data", "4 spaces read as plus signs"},
		"spaces in between":         {pixel.Track, "data=" + std[:8] + "%20%20%20" + std[8:], "data", "3 spaces dropped"},
		"form-encoded spaces":       {pixel.Track, "data=" + url.QueryEscape(std[:8]+" "+std[8:]), "data", "1 plus sign read as white space"},
		"line breaks":               {pixel.Track, "data=" + url.QueryEscape(wrapped), "data", "1 line break or tab dropped"},
		"padding of mail":           {pixel.Track, "data=" + strings.ReplaceAll(wrapped, "=", "=3D"), "data", "padding that mail made =3D of dropped"},
		"equals sign of mail":       {pixel.Track, "data=3D" + std, "data", "the 3D dropped that mail made of an equals sign"},
		"white space beside fields": {pixel.Page, who + "data=%20", "data", "the other parameters stand alone"},
		"white space alone":         {pixel.Page, "data=%20", "data", "nothing but white space"},
		"punctuation":               {pixel.Page, "data=not-base64!", "data", `byte 10 is no base64 digit; the byte is "!"`},
		"a control character":       {pixel.Page, "data=eyJ3%0Bcml0", "data", "the byte is a control character, 0x0b"},
		"no ASCII":                  {pixel.Page, "data=eyJ3%FFcml0", "data", "the byte is no ASCII character"},
		"a merge tag":               {pixel.Page, "data=*|PAYLOAD|*", "data", `data holds a merge tag that was not filled in: *|PAYLOAD|*`},
		"escaped three times":       {pixel.Page, "data=" + url.QueryEscape(url.QueryEscape(url.QueryEscape("e+J="))), "data", "percent-encoded more than twice"},
		"one digit left over":       {pixel.Page, "data=eyJ3c", "data", "ends early, after 5 digits"},
		"lower-cased":               {pixel.Track, "data=" + strings.ToLower(segmentSample), "data", "something lower-cased the URL"},
		"cut":                       {pixel.Track, "data=" + segmentSample[:100], "json", "the JSON ends early"},
		"no JSON":                   {pixel.Track, data("Hello"), "json", "it may be no JSON, or no base64"},
		"merge tag as JSON":         {pixel.Track, "data={{DATA}}", "json", "data holds a merge tag that was not filled in: {{DATA}}"},
		"an array":                  {pixel.Track, data("[1]"), "json", "not an object"},
		"Latin-1":                   {pixel.Track, data("{\"a\":\"M\xfcller\" b}"), "json", "invalid UTF-8 at byte 7"},
		"members":                   {pixel.Page, data(ok + "}"), "json", "41 bytes of at most 32768; 3 members: writeKey, userId, event"},
		"no members":                {pixel.Page, data("{}"), "json", "no members"},
		"too large":                 {pixel.Page, data(sized(40_000)), "json", "40000 bytes, at most 32768 are taken"},
		"too deep":                  {pixel.Page, data(nested(70)), "json", "more than 64 levels"},
		"merged":                    {pixel.Page, data(ok+`,"p":{"x":1}}`) + "&p.y=1&userId=v&q=1", "fields", "on top of what data held; over its own: p, userId; new: q"},
		"fields alone":              {pixel.Page, who, "fields", "an object of the parameters, whose values are all text"},
		"fields too deep":           {pixel.Page, who + "a" + strings.Repeat(".a", 64) + "=1", "fields", "more than 64 levels"},
		"fields too many":           {pixel.Page, who + strings.TrimPrefix(manyParams(700), "&"), "fields", "larger than an event may be"},
		"field in Latin-1":          {pixel.Page, who + "a.b=M%FCller", "mended", "what was mended: charset"},
		"write key":                 {pixel.Page, who, "write_key", "1 byte, of the source web"},
		"misspelt write key":        {pixel.Page, "write_key=k&userId=u", "write_key", "there is write_key, which has to be spelt writeKey"},
		"write key as number":       {pixel.Page, data(`{"writeKey":5}`), "write_key", "it is a number"},
		"unknown write key":         {pixel.Page, "writeKey=other&userId=u", "write_key", "no source has this write key; it has 5 bytes"},
		"write key with a space":    {pixel.Page, "writeKey=k+&userId=u", "write_key", "2 bytes, without the white space around it, of the source web"},
		"write key as merge tag":    {pixel.Page, "writeKey={{KEY}}&userId=u", "write_key", "it holds a merge tag that was not filled in"},
		"identity":                  {pixel.Page, who, "identity", `userId "u"`},
		"identity as merge tag":     {pixel.Page, "writeKey=k&userId=%%email%%", "identity", `userId is the merge tag %%email%%, which was not filled in`},
		"misspelt identity":         {pixel.Page, "writeKey=k&user_id=u&AnonymousID=a", "identity", "there is user_id, which has to be spelt userId; there is AnonymousID, which has to be spelt anonymousId"},
		"one misspelt":              {pixel.Page, "writeKey=k&user_id=u&anonymousId=a", "identity", "there is user_id, which has to be spelt userId"},
		"page":                      {pixel.Page, who, "type_rules", "a page needs nothing more"},
		"track":                     {pixel.Track, who + "event=Email+Opened", "type_rules", `event "Email Opened"`},
		"track without event":       {pixel.Track, who + "Event=e", "type_rules", "there is Event, which has to be spelt event"},
		"event as number":           {pixel.Track, data(`{"writeKey":"k","userId":"u","event":1}`), "type_rules", "it is a number"},
		"group":                     {pixel.Group, who + "groupId=g", "type_rules", `groupId "g"`},
		"misspelt group":            {pixel.Group, who + "groupid=g", "type_rules", "there is groupid, which has to be spelt groupId"},
		"alias":                     {pixel.Alias, who + "previousId=p", "type_rules", `userId "u"; previousId "p"`},
		"field types":               {pixel.Page, who, "field_types", "every field that the specification knows has its type"},
		"wrong field type":          {pixel.Page, data(`{"writeKey":"k","userId":"u","properties":[1]}`), "field_types", `"properties" must be an object; it is an array`},
		"a boolean":                 {pixel.Page, data(`{"writeKey":"k","userId":"u","name":true}`), "field_types", `it is true or false`},
		"no signal":                 {pixel.Page, who, "opt_out", "no signal"},
		"no times":                  {pixel.Page, who, "times", "timestamp is the time of receipt: 2026-03-04T05:06:07.891Z"},
		"client's time":             {pixel.Page, who + "timestamp=2026-03-01T00:00:00Z", "times", "timestamp is the client's: 2026-03-01T00:00:00.000Z"},
		"wrong clock":               {pixel.Page, who + "originalTimestamp=2001-01-01T00:00:00Z&sentAt=2001-01-01T00:00:02Z", "times", "timestamp is receivedAt - (sentAt - originalTimestamp): 2026-03-04T05:06:05.891Z"},
		"no time":                   {pixel.Page, who + "sentAt=yesterday", "times", "sentAt cannot be parsed and counts as absent"},
		"message id":                {pixel.Page, who + "messageId=m", "event", "messageId of the client"},
		"no message id":             {pixel.Page, who, "event", "messageId made by the server"},
		"message id of no use":      {pixel.Page, data(`{"writeKey":"k","userId":"u","messageId":5}`), "event", "that of the client is empty, no text or too long"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			x := explain(t, test.typ, test.query, pixel.Facts{Received: received})
			i := slices.IndexFunc(x.Steps, func(s pixel.Step) bool { return s.Name == test.step })
			if i < 0 {
				t.Fatalf("there is no step %s: %+v", test.step, x.Steps)
			}
			if !strings.Contains(x.Steps[i].Detail, test.want) {
				t.Errorf("got  %s\nwant %s", x.Steps[i].Detail, test.want)
			}
		})
	}
}

// TestExplainedTexts looks at what steps show of the payload.
func TestExplainedTexts(t *testing.T) {
	tests := map[string]struct{ query, step, want string }{
		"the object":            {data(`{"writeKey":"k","userId":"u"}`), "json", `{"writeKey":"[write key]","userId":"u"}`},
		"the tree":              {data(`{"x":1}`) + "&writeKey=k&userId=u&p.0=a&p.1=b", "fields", `{"writeKey":"[write key]","userId":"u","p":["a","b"]}`},
		"the tree alone":        {"writeKey=k&userId=u&p.0=a&p.1=b", "fields", ``},
		"a tree too deep":       {"writeKey=k&userId=u&a" + strings.Repeat(".a", 64) + "=1", "fields", `{"writeKey":"[write key]","userId":"u","a":` + strings.Repeat(`{"a":`, 64) + `"1"` + strings.Repeat(`}`, 65)},
		"nothing of base64":     {data(`{"writeKey":"k","userId":"u"}`), "data", ``},
		"where it ends":         {data(`{"writeKey":"k","userId":`), "json", `{"writeKey":"[write key]","userId":>>>`},
		"as far as base64 goes": {"data=" + base64.RawURLEncoding.EncodeToString([]byte(`{"writeKey":"YOUR_WRITE_KEY","userId":"u1","event":"e"}`))[:60] + "!{{x}}", "data", `{"writeKey":"[write key]","userId":"u1","e>>>`},
		"broken within the key": {"data=" + base64.RawURLEncoding.EncodeToString([]byte(`{"writeKey":"YOUR_WRITE_KEY","userId":"u1"}`))[:32] + "!{{x}}", "data", `{"writeKey":"[write key]">>>`},
		"where it is broken":    {data(`{"writeKey":"k","userId":x}`), "json", `{"writeKey":"[write key]","userId">>>:x}`},
		"a wrong byte":          {data("{\"a\":\"M\xfcller\" b}"), "json", "{\"a\":\"M>>>\ufffdller\" b}"},
		"a wrong value":         {data(`{"writeKey":"k","userId":"u","traits":[1,2]}`), "field_types", `[1,2]`},
		"broken in the key":     {data(`{"writeKey":"YOUR_WRITE_KEY`), "json", `{"writeKey":"[write key]">>>`},
		"names without marks":   {data(`{writeKey:'YOUR_WRITE_KEY'}`), "json", `{>>>writeKey:[write key]}`},
		"escaped names":         {data(`{"write\u004bey":"YOUR_WRITE_KEY","userId":"u"}`), "json", `{"write\u004bey":"[write key]","userId":"u"}`},
		"the key elsewhere":     {data(`{"writeKey":"YOUR_WRITE_KEY","userId":"YOUR_WRITE_KEY","u":"/?w=YOUR_WRITE_KEY"}`), "json", `{"writeKey":"[write key]","userId":"[write key]","u":"/?w=[write key]"}`},
		"a key that is none":    {data(`{"write_key":"YOUR_WRITE_KEY"}`), "json", `{"write_key":"[write key]"}`},
		"a key in a tree":       {"writeKey.a=YOUR_WRITE_KEY", "json", `{"writeKey":[write key]}`},
		"a key in a URL":        {data(`{"writeKey":"k","userId":"u","x":"/p?writeKey=YOUR_WRITE_KEY&a=1"}`), "json", `{"writeKey":"[write key]","userId":"u","x":"/p?writeKey=[write key]&a=1"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			x := explain(t, pixel.Page, test.query, pixel.Facts{Received: received})
			i := slices.IndexFunc(x.Steps, func(s pixel.Step) bool { return s.Name == test.step })
			if i < 0 || x.Steps[i].Text != test.want {
				t.Errorf("step %d of %+v, want %s", i, x.Steps, test.want)
			}
		})
	}
}

// TestExplainedOrder follows two requests through all steps.
func TestExplainedOrder(t *testing.T) {
	x := explain(t, pixel.Track, data(`{"writeKey":"k","userId":5,"event":"e"}`)+"&a=1", pixel.Facts{Received: received})
	want := []string{"query", "data", "fields", "json", "write_key", "identity", "type_rules", "field_types", "opt_out", "times", "event"}
	if got := stepNames(x); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if x.Outcome != pixel.OutcomeAccepted || x.Rejected() || x.Source != "web" || x.Type != "track" ||
		x.MessageID == "" || !slices.Equal(x.Repairs, []string{"number_id"}) || object(t, x.Event)["a"] != "1" {
		t.Errorf("got %+v", x)
	}

	x = explain(t, pixel.Page, "writeKey=k&userId=u", pixel.Facts{Received: received, OptOut: pixel.GPC})
	want = []string{"query", "fields", "json", "write_key", "identity", "type_rules", "field_types", "opt_out"}
	if got := stepNames(x); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !x.Rejected() || x.Reason != "gpc" || x.Hint != pixel.GPC.Hint() || x.Source != "web" || x.Event != nil {
		t.Errorf("got %+v", x)
	}
}

func stepNames(x *pixel.Explanation) []string {
	names := make([]string, len(x.Steps))
	for i, step := range x.Steps {
		names[i] = step.Name
	}
	return names
}

// TestExplanationAsJSON is what the admin API and its page rely on.
func TestExplanationAsJSON(t *testing.T) {
	text, err := json.Marshal(explain(t, pixel.Page, "data=!", pixel.Facts{Received: received}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"outcome":"rejected","reason":"bad_base64","detail":"byte 0 is no base64 digit",` +
		`"hint":"HINT","type":"page","steps":[{"step":"query","ok":true,"detail":"1 parameter; data, 1 byte"},` +
		`{"step":"data","ok":false,"detail":"byte 0 is no base64 digit; the byte is \"!\""}]}`
	if got := strings.Replace(string(text), pixel.BadBase64.Hint(), "HINT", 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	rejection := pixel.Reject(pixel.Method, "the method is not GET", pixel.NoType, "", &pixel.Facts{})
	if text, err = json.Marshal(pixel.ExplainRejection(rejection)); err != nil || !bytes.HasSuffix(text, []byte(`"steps":[]}`)) {
		t.Errorf("got %s, %v", text, err)
	}
}

// explain explains a query and holds the explanation against what Decode says.
func explain(t testing.TB, typ pixel.Type, query string, facts pixel.Facts) *pixel.Explanation {
	t.Helper()
	x := newDecoder().Explain(typ, query, &facts)
	checkExplanation(t, newDecoder(), x, typ, query, &facts)
	return x
}

func checkExplanation(t testing.TB, decoder *pixel.Decoder, x *pixel.Explanation, typ pixel.Type, query string, facts *pixel.Facts) {
	t.Helper()
	var want pixel.Explanation
	var key string
	source := decoder.Source
	decoder.Source = func(writeKey string) (string, bool) {
		key = writeKey
		return source(writeKey)
	}
	if event, rejection := decoder.Decode(typ, query, facts); rejection != nil {
		want = pixel.Explanation{
			Outcome: "rejected", Reason: rejection.Reason.String(), Detail: rejection.Detail,
			Source: rejection.Source, Type: rejection.Type.String(),
		}
	} else {
		want = pixel.Explanation{Outcome: "accepted", Source: event.Source, Type: event.Type.String(), Repairs: event.Repairs.Names()}
		event.Release()
	}
	if x.Outcome != want.Outcome || x.Reason != want.Reason || x.Detail != want.Detail ||
		x.Source != want.Source || x.Type != want.Type || !slices.Equal(x.Repairs, want.Repairs) {
		t.Errorf("%s: got %+v\nDecode says %+v", query, x, want)
	}
	for i, step := range x.Steps {
		isLast := i == len(x.Steps)-1
		if step.OK == (isLast && x.Rejected()) {
			t.Errorf("%s: step %s, ok %v, of a request that is %s", query, step.Name, step.OK, x.Outcome)
		}
		if isLast && !strings.HasPrefix(step.Detail, want.Detail) && !strings.Contains(step.Detail, "[write key]") {
			t.Errorf("%s: the last step says %q, Decode says %q", query, step.Detail, want.Detail)
		}
		if len(step.Text) > shown.MaxExcerpt || !utf8.ValidString(step.Text) || !utf8.ValidString(step.Detail) {
			t.Errorf("%s: step %s shows %d bytes: %q, %q", query, step.Name, len(step.Text), step.Detail, step.Text)
		}
		if isSecret(key) && (strings.Contains(step.Text, key) || strings.Contains(step.Detail, key)) {
			t.Errorf("%s: step %s shows the write key %q: %+v", query, step.Name, key, step)
		}
	}
	if len(x.Steps) == 0 {
		t.Errorf("%s: no steps", query)
	}
}

// isSecret tells whether a key can be kept out of texts: it is long enough, and the
// words that stand in for it do not hold it.
func isSecret(key string) bool {
	const standIn = "[write key]"
	return len(key) >= 6 && !strings.Contains(standIn, key)
}

// FuzzExplain holds the explanation of any query against what Decode says of it.
func FuzzExplain(f *testing.F) {
	for _, seed := range seeds {
		for _, typ := range pixel.Types() {
			f.Add(uint8(typ), seed, uint8(typ)%3)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint8, query string, signal uint8) {
		decoder := newDecoder()
		if signal%2 == 0 {
			decoder.Source = func(string) (string, bool) { return "web", true }
		}
		facts := pixel.Facts{Received: received, OptOut: [...]pixel.Reason{pixel.Accepted, pixel.GPC, pixel.DNT}[signal%3]}
		decoder.MaxEventSize = 1 << (8 + signal%8)
		x := decoder.Explain(pixel.Type(typ), query, &facts)
		checkExplanation(t, decoder, x, pixel.Type(typ), query, &facts)
	})
}

// TestExplainAnything explains good queries that have been damaged at random.
func TestExplainAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		query := []byte(seeds[random.IntN(len(seeds))])
		for range random.IntN(4) {
			at := random.IntN(len(query))
			switch random.IntN(3) {
			case 0:
				query[at] = byte(random.IntN(256))
			case 1:
				query = append(query[:at:at], query[at+random.IntN(len(query)-at):]...)
			case 2:
				query = slices.Insert(query, at, []byte(seeds[random.IntN(len(seeds))])...)
			}
			if len(query) == 0 {
				break
			}
		}
		typ := pixel.Types()[random.IntN(6)]
		explain(t, typ, string(query), pixel.Facts{Received: received})
	}
}
