// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/segmentpixel/caddy-segment-pixel/pixel"
)

// TestRecorderAgainstModel does at random what requests, readers and reloads do, and
// compares with a list that forgets nothing.
func TestRecorderAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		size := random.IntN(8)
		r := newRecorder(size)
		first := r.next
		var rings [ringCount][]uint64 // the ids ever written
		var from Cursor
		var read []uint64
		var lost uint64
		all := &Filter{}
		for range 300 {
			switch random.IntN(12) {
			case 0:
				// Records that a smaller ring drops count as missed when they were not read.
				size = random.IntN(8)
				r.Configure(size, PayloadsFull)
			case 1, 2, 3:
				page := r.Read(&from, all)
				lost += page.Missed
				for i := range page.Records {
					read = append(read, page.Records[i].id)
				}
				if page.Wait == nil {
					t.Fatalf("seed %d: more than %d records to read", seed, maxRead)
				}
			default:
				which := random.IntN(ringCount)
				o := &Outcome{Request: httptest.NewRequest(http.MethodGet, "/", http.NoBody), Received: time.Now()}
				if which == ringOthers {
					o.RejectedFor(&pixel.Rejection{Reason: pixel.NoData})
				}
				r.observe(o)
				if size > 0 {
					rings[which] = append(rings[which], first)
					first++
				}
			}
		}
		written := len(rings[ringAccepted]) + len(rings[ringOthers])
		page := r.Read(&from, all)
		lost += page.Missed
		for i := range page.Records {
			read = append(read, page.Records[i].id)
		}
		if got := len(read) + int(lost); got != written {
			t.Errorf("seed %d: %d read and %d missed of %d", seed, len(read), lost, written)
		}
		if !slices.IsSorted(read) || len(slices.Compact(slices.Clone(read))) != len(read) {
			t.Errorf("seed %d: records came twice or out of order", seed)
		}
	}
}

// TestRecorderWakes has somebody wait for the next record.
func TestRecorderWakes(t *testing.T) {
	r := newRecorder(2)
	from := r.Newest()
	wait := r.Read(&from, &Filter{}).Wait
	r.observe(&Outcome{Request: httptest.NewRequest(http.MethodGet, "/", http.NoBody)})
	<-wait
	if page := r.Read(&from, &Filter{}); len(page.Records) != 1 || page.Missed != 0 {
		t.Errorf("got %+v", page)
	}
}

// TestRecordKeepsNoMemory checks that a record does not change when the request's
// memory serves another one.
func TestRecordKeepsNoMemory(t *testing.T) {
	r := newRecorder(2)
	body := []byte(`{"event":"first"}`)
	r.observe(&Outcome{Request: httptest.NewRequest(http.MethodGet, "/", http.NoBody), Event: &pixel.Event{Body: body}})
	copy(body, `{"event":"other"}`)
	var from Cursor
	records := r.Read(&from, &Filter{}).Records
	for range 5 { // The slot serves others, too.
		r.observe(&Outcome{Request: httptest.NewRequest(http.MethodGet, "/", http.NoBody), Event: &pixel.Event{Body: body}})
	}
	if got := string(records[0].payload); got != `{"event":"first"}` {
		t.Errorf("got %s", got)
	}
}

func TestFilterWants(t *testing.T) {
	for query, want := range map[string][ringCount]bool{
		"":                          {true, true},
		"source=a":                  {true, true},
		"outcome=accepted":          {true, false},
		"outcome=rejected":          {false, true},
		"outcome=accepted,rejected": {true, true},
		"outcome=no_event":          {false, true},
		"reason=no_event":           {false, true},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParseFilter(values)
		if err != nil {
			t.Fatal(err)
		}
		if got := [ringCount]bool{f.wants(ringAccepted), f.wants(ringOthers)}; got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

func TestRedactJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`,
		`{"a":"b","c":{"d":[1,true,false,null,{"e":"f"}]},"g":""}`: `{"a":"(hidden)","c":{"d":["(hidden)","(hidden)","(hidden)",null,{"e":"(hidden)"}]},"g":"(hidden)"}`,
		`{"a":`: ``,
		`["a"]`: `["(hidden)"]`,
	} {
		if got := string(redactJSON([]byte(text))); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func TestRedactQuery(t *testing.T) {
	for text, want := range map[string]string{
		"":                "",
		"a=b&c=d=e&f=&g&": "a=(hidden)&c=(hidden)&f=&(hidden)&",
		"SECRET":          "(hidden)",
		"a@b.c=1&%7B=2":   "(hidden)&(hidden)",
	} {
		if got := redactQuery(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}
