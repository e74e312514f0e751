// SPDX-License-Identifier: Apache-2.0

package examine

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/segmentpixel/caddy-segment-pixel/sinks/natsconn"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/report"
	"github.com/segmentpixel/caddy-segment-pixel/sinks/subject"
)

// expiry checks how long the login lasts, as far as that is known without NATS. The
// files have been read before, so they are there and in order.
func (e *examination) expiry(c *natsconn.Connection) {
	var token natsconn.Contents
	switch {
	case c.Creds != "":
		token = natsconn.FileContents(c.Creds)
	case c.JWT != "":
		token = natsconn.TextContents(c.JWT)
	}
	if token != nil {
		if text, err := natsconn.UserJWT(token); err == nil {
			e.ends("user JWT", natsconn.JwtExpiry(text), "get a new one from whoever issued it: NATS refuses the login afterwards")
		}
	}
	if c.TLS != nil && c.TLS.Certificate != "" {
		if pair, err := tls.LoadX509KeyPair(c.TLS.Certificate, c.TLS.Key); err == nil && pair.Leaf != nil {
			e.ends("tls certificate", pair.Leaf.NotAfter, "renew it: NATS refuses the connection afterwards")
		}
	}
}

func (e *examination) ends(name string, end time.Time, remedy string) {
	switch left := time.Until(end); {
	case end.IsZero():
		e.OK(name, "it does not expire")
	case left <= 0:
		e.Problem(name, remedy, "it expired %s", day(end))
	case left < soon:
		e.Warning(name, remedy, "it expires %s", day(end))
	default:
		e.OK(name, "it expires %s", day(end))
	}
}

// userInfo is what a server tells a user about itself.
type userInfo struct {
	User        string           `json:"user"`
	Account     string           `json:"account"`
	Permissions *userPermissions `json:"permissions"`
	Expires     time.Duration    `json:"expires"`
}

type userPermissions struct {
	Publish *subjectPermission `json:"publish"`
}

// subjectPermission allows everything if it allows nothing in particular.
type subjectPermission struct {
	Allow []string `json:"allow"`
	Deny  []string `json:"deny"`
}

const userInfoSubject = "$SYS.REQ.USER.INFO"

// permissions checks what the user may publish. That it may receive answers, and so
// acks, follows from this answer.
func (e *examination) permissions(ctx context.Context) {
	const name = "permissions"
	info, err := e.askUserInfo(ctx)
	if err != nil {
		if refused := e.Violation(func(text string) bool { return strings.Contains(text, "Subscription to") }); refused != nil {
			e.Problem(name, "allow the user to subscribe to "+e.inbox()+", or set inbox_prefix to what it may subscribe to",
				"NATS cannot answer this user: %s", e.Scrub(refused))
			return
		}
		e.Skipped(name, "allow the user to publish to "+userInfoSubject+", or look at it with `nats auth`",
			"the server does not tell them: %s", e.Scrub(err))
		return
	}
	if info.Expires > 0 {
		e.ends("login", time.Now().Add(info.Expires), "renew the login: NATS cuts the connection then")
	}
	if info.Permissions == nil {
		e.OK(name, "user %s of account %s may do everything there", known(info.User), known(info.Account))
		return
	}
	e.mayPublish(info.Permissions.Publish, e.subject, "events", report.Problem)
	if e.rejected != "" {
		e.mayPublish(info.Permissions.Publish, e.rejected+".*", "rejected requests", report.Warning)
	}
}

func known(name string) string {
	if name == "" {
		return "(none)"
	}
	return name
}

func (e *examination) mayPublish(allowed *subjectPermission, subject, what string, without report.Mark) {
	const name = "permissions"
	switch allowed.reach(subject) {
	case reachesAll:
		e.OK(name, "%s may be published to %s", what, subject)
	case reachesSome:
		e.Warning(name, "compare this with the sources and the event types: what is not allowed does not arrive",
			"%s may be published to a part of %s alone", what, subject)
	case reachesNone:
		e.Add(without, name, "allow the user to publish to "+subject+" in the configuration of NATS",
			"%s may not be published to %s", what, subject)
	}
}

// inbox is where NATS answers this client.
func (e *examination) inbox() string {
	inbox := e.Nc.NewInbox()
	return inbox[:strings.LastIndexByte(inbox, '.')] + ".>"
}

func (e *examination) askUserInfo(ctx context.Context) (*userInfo, error) {
	ctx, cancel := halfOf(ctx)
	defer cancel()
	e.WhenRefused(cancel) // otherwise a request that is refused would be waited for
	msg, err := e.Nc.RequestWithContext(ctx, userInfoSubject, nil)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, errors.New("it has no system account")
	case err != nil:
		if refused := e.Violation(func(string) bool { return true }); refused != nil {
			return nil, refused
		}
		return nil, err
	}
	var answer struct {
		Data  *userInfo `json:"data"`
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil || answer.Data == nil {
		return nil, errors.New("its answer has another form than expected")
	}
	return answer.Data, nil
}

// reach is how much of a subject with wildcards a permission allows.
type reach int

const (
	reachesNone reach = iota
	reachesSome
	reachesAll
)

func (p *subjectPermission) reach(wanted string) reach {
	if p == nil {
		return reachesAll
	}
	found := reachesNone
	if len(p.Allow) == 0 {
		found = reachesAll
	}
	for _, allowed := range p.Allow {
		allowed, _, _ = strings.Cut(allowed, " ") // a queue group follows
		switch {
		case subject.Covers(allowed, wanted):
			found = reachesAll
		case subject.Overlap(allowed, wanted):
			found = max(found, reachesSome)
		}
	}
	for _, denied := range p.Deny {
		denied, _, _ = strings.Cut(denied, " ")
		switch {
		case subject.Covers(denied, wanted):
			return reachesNone
		case subject.Overlap(denied, wanted):
			found = min(found, reachesSome)
		}
	}
	return found
}
