// SPDX-License-Identifier: Apache-2.0

package segmentpixel_test

import (
	"os"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/segmentpixel/caddy-segment-pixel/internal/pixeltest"
)

// issuer makes the credentials of users.
type issuer struct {
	t       *testing.T
	account nkeys.KeyPair
	file    string
}

// write makes a file of credentials that are good for so long.
func (i *issuer) write(left time.Duration) {
	i.t.Helper()
	user, public := newKey(i.t, nkeys.CreateUser)
	claims := jwt.NewUserClaims(public)
	claims.Expires = time.Now().Add(left).Unix()
	token, err := claims.Encode(i.account)
	if err != nil {
		i.t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		i.t.Fatal(err)
	}
	// In one step: the sink may read it at any time.
	if err := os.WriteFile(i.file+".new", text, 0o600); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Rename(i.file+".new", i.file); err != nil {
		i.t.Fatal(err)
	}
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return pair, public
}

// startOperatorNATS starts a server that admits users by JWT, without JetStream.
func startOperatorNATS(t *testing.T, file string) (*server.Server, *issuer) {
	t.Helper()
	operator, operatorKey := newKey(t, nkeys.CreateOperator)
	account, accountKey := newKey(t, nkeys.CreateAccount)
	token, err := jwt.NewAccountClaims(accountKey).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	trusted := jwt.NewOperatorClaims(operatorKey)
	if _, err = trusted.Encode(operator); err != nil {
		t.Fatal(err)
	}
	accounts := new(server.MemAccResolver)
	if err = accounts.Store(accountKey, token); err != nil {
		t.Fatal(err)
	}
	s := pixeltest.StartServer(t, &server.Options{
		Port: -1, TrustedOperators: []*jwt.OperatorClaims{trusted}, AccountResolver: accounts,
	})
	return s, &issuer{t, account, file}
}
