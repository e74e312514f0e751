# SPDX-License-Identifier: Apache-2.0
"""Prints the URL of a sealed pixel:

    python3 sealed.py seals.jwks https://example.com

A key of HS256 needs Python alone, one of A256GCM the package cryptography besides.
"""

import base64
import hashlib
import hmac
import json
import os
import sys


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def seal(event: dict, key: dict) -> str:
    """Makes a JWE or a JWS of an object, as the algorithm of the key says."""
    secret = base64.urlsafe_b64decode(key["k"] + "=" * (-len(key["k"]) % 4))
    text = json.dumps(event).encode()
    if key["alg"] == "HS256":
        head = json.dumps({"alg": "HS256", "kid": key["kid"]}).encode()
        signed = base64url(head) + "." + base64url(text)
        return signed + "." + base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    head = base64url(json.dumps({"alg": "dir", "enc": "A256GCM", "kid": key["kid"]}).encode())
    nonce = os.urandom(12)  # never the same twice under one key
    sealed = AESGCM(secret).encrypt(nonce, text, head.encode())
    return ".".join([head, "", base64url(nonce), base64url(sealed[:-16]), base64url(sealed[-16:])])


if __name__ == "__main__":
    file, site = sys.argv[1:]
    with open(file, encoding="utf-8") as keys:
        first = json.load(keys)["keys"][0]
    opened = {"userId": "jane@example.com", "event": "Email Opened", "properties": {"campaign": "spring"}}
    print(f"{site}/v1/pixel/track?data={seal(opened, first)}")
