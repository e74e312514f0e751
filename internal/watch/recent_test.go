// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"cmp"
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
		for range 300 {
			switch random.IntN(12) {
			case 0:
				// Records that a smaller ring drops count as missed when they were not read.
				size = random.IntN(8)
				r.Configure(size, PayloadsFull)
			case 1, 2, 3:
				ids, missed := readAll(r, &from)
				read, lost = append(read, ids...), lost+missed
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
		ids, missed := readAll(r, &from)
		read, lost = append(read, ids...), lost+missed
		if got := len(read) + int(lost); got != written {
			t.Errorf("seed %d: %d read and %d missed of %d", seed, len(read), lost, written)
		}
		if !slices.IsSorted(read) || len(slices.Compact(slices.Clone(read))) != len(read) {
			t.Errorf("seed %d: records came twice or out of order", seed)
		}
	}
}

// readAll reads what is new, and moves the cursor.
func readAll(r *recorder, from *Cursor) (ids []uint64, missed uint64) {
	to := r.Newest()
	found := r.Find(*from, to, &Filter{})
	*from = to
	for page, more := found.Next(); more; page, more = found.Next() {
		for i := range page.Records {
			ids = append(ids, page.Records[i].id)
		}
	}
	return ids, found.Missed
}

// TestThinKeepsTheRare asks for fewer records than there are: the newest come, and a
// flood of good ones leaves room for the others.
func TestThinKeepsTheRare(t *testing.T) {
	r := newRecorder(100)
	for i := range 60 {
		o := &Outcome{Request: httptest.NewRequest(http.MethodGet, "/", http.NoBody)}
		if i < 3 {
			o.RejectedFor(&pixel.Rejection{Reason: pixel.NoData})
		}
		r.observe(o)
	}
	for most, want := range map[int][ringCount]int{10: {7, 3}, 4: {2, 2}, 1: {1, 0}, 59: {56, 3}, 60: {57, 3}} {
		found := r.Find(Cursor{}, r.Newest(), &Filter{}).Thin(most)
		var got [ringCount]int
		for _, p := range found.places {
			got[p.ring]++
		}
		if got != want || int(found.LeftOut) != 60-want[0]-want[1] || !slices.IsSortedFunc(found.places, func(a, b place) int { return cmp.Compare(a.id, b.id) }) {
			t.Errorf("of at most %d: %v, %d left out, want %v", most, got, found.LeftOut, want)
		}
	}
}

// TestRecorderWakes has somebody wait for the next record.
func TestRecorderWakes(t *testing.T) {
	r := newRecorder(2)
	from := r.Newest()
	wait := r.Wait(from)
	r.observe(&Outcome{Request: httptest.NewRequest(http.MethodGet, "/", http.NoBody)})
	<-wait
	<-r.Wait(from) // It is there already.
	if ids, missed := readAll(r, &from); len(ids) != 1 || missed != 0 {
		t.Errorf("got %v, %d missed", ids, missed)
	}
}

// TestRecordKeepsNoMemory checks that a record does not change when the request's
// memory serves another one.
func TestRecordKeepsNoMemory(t *testing.T) {
	r := newRecorder(2)
	body := []byte(`{"event":"first"}`)
	r.observe(&Outcome{Request: httptest.NewRequest(http.MethodGet, "/", http.NoBody), Event: &pixel.Event{Body: body}})
	copy(body, `{"event":"other"}`)
	page, _ := r.Find(Cursor{}, r.Newest(), &Filter{}).Next()
	records := page.Records
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
