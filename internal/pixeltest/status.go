// SPDX-License-Identifier: Apache-2.0

package pixeltest

// StatusAnswer is what tests look at in a status.
type StatusAnswer struct {
	Version, Caddy string
	Ready          bool
	Problems       []string
	Outcomes       struct {
		Accepted, Dropped, Failed uint64
		Rejected                  map[string]uint64
	}
	Repairs        map[string]uint64
	UntrustedProxy uint64 `json:"untrusted_proxy"`
	Handlers       []struct {
		PathPrefixes []string `json:"path_prefixes"`
		Addresses    []string
		Sources      []string
		MaxEventSize int    `json:"max_event_size"`
		ClientIP     string `json:"client_ip"`
		Problems     []string
		Sinks        []struct {
			Sink, Server, Subject, NATS string
			Ready                       bool
			Connected                   *bool
			Problems                    []string
			Stream                      *struct {
				Names, Findings []string
				Batched         bool
			}
			Spool *struct {
				Dir                     string
				Open, Full              bool
				Events, Bytes, Capacity uint64
				OldestSeconds           float64 `json:"oldest_seconds"`
				Waiting, Failing        string
			}
			Counts *struct {
				Published, Acked, Retried uint64
				Dropped                   map[string]uint64
			}
		}
	}
}

// Status asks for the status.
func (s *AdminSite) Status() StatusAnswer {
	s.T.Helper()
	var answer StatusAnswer
	s.show("/segment_pixel/status", &answer)
	return answer
}
