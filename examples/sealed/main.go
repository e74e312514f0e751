// SPDX-License-Identifier: Apache-2.0

// Sealed prints the URL of a sealed pixel:
//
//	go run ./examples/sealed seals.jwks https://example.com
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/go-jose/go-jose/v4"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: sealed <keys> <site>")
	}
	url, err := sealedURL(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(url)
}

func sealedURL(file, site string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return "", err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return "", err
	}
	token, err := tokenOf([]byte(`{"userId":"jane@example.com","event":"Email Opened","properties":{"campaign":"spring"}}`), set.Keys[0])
	return site + "/v1/pixel/track?data=" + token, err
}

// tokenOf makes a JWE or a JWS of an object, as the algorithm of the key says.
func tokenOf(object []byte, key jose.JSONWebKey) (string, error) {
	if key.Algorithm == string(jose.HS256) {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, nil)
		if err != nil {
			return "", err
		}
		signed, err := signer.Sign(object)
		if err != nil {
			return "", err
		}
		return signed.CompactSerialize()
	}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: key.Key, KeyID: key.KeyID}, nil)
	if err != nil {
		return "", err
	}
	sealed, err := encrypter.Encrypt(object)
	if err != nil {
		return "", err
	}
	return sealed.CompactSerialize()
}
