// SPDX-License-Identifier: Apache-2.0

package pixel

import "encoding/json"

// Explanation tells how a request became an event, or why it did not, one step
// after the other. It is for admins and authors of pixels, and holds payload, but
// never the write key that it came with.
type Explanation struct {
	// Outcome is "accepted" or "rejected".
	Outcome string `json:"outcome"`
	// Reason, Detail and Hint are empty unless the request is rejected.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Type is the event type of the route.
	Type string `json:"type,omitempty"`
	// Source is the source of the write key, empty while that is unknown.
	Source string `json:"source,omitempty"`
	// MessageID is that of the event: the client's, or one that was made.
	MessageID string `json:"message_id,omitempty"`
	// Repairs names what had to be mended; RepairHint has a text for each.
	Repairs []string `json:"repairs,omitempty"`
	// Steps ends with the step that failed, if one did.
	Steps []Step `json:"steps"`
	// Event is what would be published.
	Event json.RawMessage `json:"event,omitempty"`
}

// The outcomes of an explanation.
const (
	OutcomeAccepted = "accepted"
	OutcomeRejected = "rejected"
)

// Step is one step of decoding.
type Step struct {
	Name string `json:"step"`
	OK   bool   `json:"ok"`
	// Detail says what went in and what was found.
	Detail string `json:"detail"`
	// Text is an excerpt of what came out, or of what is wrong. It is valid UTF-8
	// and has no more than MaxExcerpt bytes.
	Text string `json:"text,omitempty"`
}

// The names of the steps, in their order. StepRoute is for those who know the path;
// Explain begins with StepQuery.
const (
	StepRoute      = "route"
	StepMended     = "mended" // only if something had to be
	StepQuery      = "query"
	StepData       = "data"
	StepFields     = "fields"
	StepJSON       = "json"
	StepWriteKey   = "write_key"
	StepIdentity   = "identity"
	StepTypeRules  = "type_rules"
	StepFieldTypes = "field_types"
	StepOptOut     = "opt_out"
	StepConsent    = "consent"
	StepTimes      = "times"
	StepEvent      = "event"
)

// Rejected tells whether the request would become no event.
func (x *Explanation) Rejected() bool { return x.Outcome != OutcomeAccepted }

// ExplainRejection explains a rejection by what stands in front of the decoder,
// such as a method that is not GET.
func ExplainRejection(r *Rejection) *Explanation {
	return &Explanation{
		Outcome: OutcomeRejected,
		Reason:  r.Reason.String(),
		Detail:  r.Detail,
		Hint:    r.Reason.Hint(),
		Type:    r.Type.String(),
		Source:  r.Source,
		Steps:   []Step{},
	}
}

// explainEvent copies what is to be shown of an event.
func explainEvent(e *Event) *Explanation {
	return &Explanation{
		Outcome:   OutcomeAccepted,
		Type:      e.Type.String(),
		Source:    e.Source,
		MessageID: e.MessageID,
		Repairs:   e.Repairs.Names(),
		Event:     append(json.RawMessage(nil), e.Body...),
	}
}
