// SPDX-License-Identifier: Apache-2.0

package natsconn

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// loginOption returns how to log in, or nil. Files are read for every login, so
// that renewed ones are used and no seed stays in memory for longer.
func (c *Connection) loginOption() (nats.Option, error) {
	switch {
	case c.User != "":
		return nats.UserInfo(c.User, c.Password), nil
	case c.Token != "":
		return nats.Token(c.Token), nil
	case c.Creds != "":
		file := FileContents(c.Creds)
		return jwtLogin(file, file), nil
	case c.JWT != "":
		return jwtLogin(TextContents(c.JWT), TextContents(c.Seed)), nil
	case c.NKey != "":
		file := FileContents(c.NKey)
		public, err := nkeyUser(file)
		if err != nil {
			return nil, fmt.Errorf("nkey: %w", err)
		}
		return nats.Nkey(public, signer(file)), nil
	}
	return nil, nil
}

// Contents is where a JWT or a seed comes from.
type Contents func() ([]byte, error)

// FileContents are those of a file.
func FileContents(file string) Contents {
	return func() ([]byte, error) { return os.ReadFile(file) }
}

// TextContents are a text itself.
func TextContents(text string) Contents {
	return func() ([]byte, error) { return []byte(text), nil }
}

func jwtLogin(token, seed Contents) nats.Option {
	return nats.UserJWT(func() (string, error) { return UserJWT(token) }, signer(seed))
}

// UserJWT finds the token among the decoration of a credentials file, or in
// plain text.
func UserJWT(token Contents) (string, error) {
	text, err := token()
	if err != nil {
		return "", err
	}
	defer clear(text)
	found, err := nkeys.ParseDecoratedJWT(text)
	if err != nil {
		return "", err
	}
	if found = strings.TrimSpace(found); strings.Count(found, ".") != 2 {
		return "", errors.New("holds no user JWT")
	}
	return found, nil
}

// jwtEnd returns when a user's JWT ends to be valid, or zero if it does not or cannot
// be read.
func jwtEnd(token Contents) time.Time {
	found, err := UserJWT(token)
	if err != nil {
		return time.Time{}
	}
	return JwtExpiry(found).UTC()
}

// nkeyUser returns the public key of a user's seed.
func nkeyUser(seed Contents) (string, error) {
	pair, err := keyPair(seed)
	if err != nil {
		return "", err
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(public) {
		return "", errors.New("holds no seed of a user, which starts with SU")
	}
	return public, nil
}

func signer(seed Contents) nats.SignatureHandler {
	return func(nonce []byte) ([]byte, error) {
		pair, err := keyPair(seed)
		if err != nil {
			return nil, err
		}
		defer pair.Wipe()
		return pair.Sign(nonce)
	}
}

func keyPair(seed Contents) (nkeys.KeyPair, error) {
	text, err := seed()
	if err != nil {
		return nil, err
	}
	defer clear(text)
	pair, err := nkeys.ParseDecoratedNKey(text)
	if err != nil {
		return nil, errors.New("holds no seed of a user, which starts with SU")
	}
	return pair, nil
}

// readFiles checks everything that the options name or hold for a login or for
// TLS, and returns a digest of the files. It goes into the key of the usage pool,
// so that a reload after a file was replaced opens a new connection.
func (c *Connection) readFiles() ([sha256.Size]byte, error) {
	sum := sha256.New()
	var err error
	switch {
	case c.Creds != "":
		err = hashLogin(sum, "creds", c.Creds, func(file Contents) error {
			_, jwtErr := UserJWT(file)
			_, keyErr := nkeyUser(file)
			return errors.Join(jwtErr, keyErr)
		})
	case c.NKey != "":
		err = hashLogin(sum, "nkey", c.NKey, func(file Contents) error {
			_, keyErr := nkeyUser(file)
			return keyErr
		})
	case c.JWT != "":
		if _, jwtErr := UserJWT(TextContents(c.JWT)); jwtErr != nil {
			err = fmt.Errorf("jwt %w: give the token itself, or {file./path} to read it from a file", jwtErr)
		} else if _, keyErr := nkeyUser(TextContents(c.Seed)); keyErr != nil {
			err = fmt.Errorf("seed %w: give the seed itself, or {file./path} to read it from a file", keyErr)
		}
	}
	if err == nil && c.TLS != nil {
		err = c.TLS.readFiles(sum)
	}
	if c.Context != "" {
		// One that cannot be read is reported by the library that uses it.
		if text, err := os.ReadFile(contextFile(c.Context)); err == nil {
			hashField(sum, text)
		}
	}
	return [sha256.Size]byte(sum.Sum(nil)), err
}

func hashLogin(sum hash.Hash, option, file string, check func(Contents) error) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	defer clear(text)
	hashField(sum, text)
	err = check(func() ([]byte, error) { return append([]byte(nil), text...), nil })
	if err != nil {
		return fmt.Errorf("%s: the file %s %s", option, file, strings.ReplaceAll(err.Error(), "\n", " and "))
	}
	return nil
}

func (t *TLS) readFiles(sum hash.Hash) error {
	if t.CA != "" {
		authorities, err := os.ReadFile(t.CA)
		if err != nil {
			return fmt.Errorf("tls ca: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(authorities) {
			return fmt.Errorf("tls ca: the file %s holds no PEM certificate", t.CA)
		}
		hashField(sum, authorities)
	}
	if t.Certificate == "" {
		return nil
	}
	certificate, err := os.ReadFile(t.Certificate)
	if err != nil {
		return fmt.Errorf("tls cert: %w", err)
	}
	key, err := os.ReadFile(t.Key)
	if err != nil {
		return fmt.Errorf("tls key: %w", err)
	}
	defer clear(key)
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		return fmt.Errorf("tls cert: the files %s and %s cannot be used together: %w", t.Certificate, t.Key, err)
	}
	hashField(sum, certificate)
	hashField(sum, key)
	return nil
}

// hashField writes the length first, so that no two lists of fields are alike.
func hashField(sum hash.Hash, field []byte) {
	sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
	sum.Write(field)
}

// JwtExpiry is zero for a token without one. The signature is the server's concern.
func JwtExpiry(token string) time.Time {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(text, &claims) != nil || claims.Expires == 0 {
		return time.Time{}
	}
	return time.Unix(claims.Expires, 0)
}
