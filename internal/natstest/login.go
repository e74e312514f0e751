// SPDX-License-Identifier: Apache-2.0

package natstest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// OperatorMode configures a server that admits users by JWT and returns one.
func OperatorMode(t *testing.T, o *server.Options, change ...func(*jwt.UserClaims)) (userJWT, seed string) {
	t.Helper()
	operator, operatorKey, _ := NewKey(t, nkeys.CreateOperator)
	account, accountKey, _ := NewKey(t, nkeys.CreateAccount)
	user, userKey, _ := NewKey(t, nkeys.CreateUser)

	accountJWT, err := jwt.NewAccountClaims(accountKey).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.NewUserClaims(userKey)
	for _, c := range change {
		c(claims)
	}
	userJWT, err = claims.Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	trusted := jwt.NewOperatorClaims(operatorKey)
	if _, err = trusted.Encode(operator); err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	if err = resolver.Store(accountKey, accountJWT); err != nil {
		t.Fatal(err)
	}
	o.TrustedOperators = []*jwt.OperatorClaims{trusted}
	o.AccountResolver = resolver
	text, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return userJWT, string(text)
}

// Expiring gives a user an end.
func Expiring(end time.Time) func(*jwt.UserClaims) {
	return func(claims *jwt.UserClaims) { claims.Expires = end.Unix() }
}

// NewKey makes a key pair.
func NewKey(t *testing.T, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public, seed string) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err = pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return pair, public, string(text)
}

// ContextDir returns the folder in which the NATS CLI now keeps its contexts.
func ContextDir(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	dir := filepath.Join(home, "nats", "context")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// CredsFile writes a credentials file and returns its name.
func CredsFile(t *testing.T, userJWT, seed string) string {
	t.Helper()
	text, err := jwt.FormatUserConfig(userJWT, []byte(seed))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "user.creds")
	WriteFile(t, file, string(text))
	return file
}
