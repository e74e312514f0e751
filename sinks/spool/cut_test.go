// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"os"
	"testing"
)

// A segment that somebody cuts while it is read costs what was behind the cut, whether it
// is still written or not.
func TestCutWhileReading(t *testing.T) {
	for name, finished := range map[string]bool{"finished": true, "current": false} {
		t.Run(name, func(t *testing.T) {
			const read, left, count = 5, 12, 40
			logged := newLogs()
			dir := t.TempDir()
			s := openTest(t, Options{Dir: dir, Logger: logged.get}, smallQueue(0))
			appendTest(t, s, 0, read)
			// The reader knows of the segment what was in there until now.
			expect(t, nextTest(t, s, read), numbered(0, read))
			appendTest(t, s, read, left)
			segment, end := s.log.End()
			appendTest(t, s, left, count)
			if finished {
				inNewSegment(s)
			}
			appendTest(t, s, count, count+1)
			if err := os.Truncate(segment.Name(dir), end); err != nil {
				t.Fatal(err)
			}
			want, lost := numbered(read, left), uint64(count+1-left)
			if finished {
				want, lost = append(want, count), lost-1
			}
			expect(t, pending(t, s), want)
			if got := logged.lost(); got != lost {
				t.Errorf("%d events are reported as lost, want %d", got, lost)
			}
			lines := logged.find("events in the spool cannot be read")
			if got := lines[0].ContextMap()["segment"]; got != int64(segment.Number) {
				t.Errorf("the segment is %v, want %d", got, segment.Number)
			}
			appendTest(t, s, count+1, count+3)
			expect(t, pending(t, s), numbered(count+1, count+3))
		})
	}
}
