// SPDX-License-Identifier: Apache-2.0

// Prints the URL of a sealed pixel:
//
//   node sealed.mjs seals.jwks https://example.com
//
// It needs Node alone. With a JOSE library, the function seal is one call.
import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

// seal makes a JWE or a JWS of an object, as the algorithm of the key says.
function seal(object, key) {
	const secret = Buffer.from(key.k, "base64url");
	const text = JSON.stringify(object);
	if (key.alg === "HS256") {
		const signed = base64url(JSON.stringify({ alg: "HS256", kid: key.kid })) + "." + base64url(text);
		return signed + "." + createHmac("sha256", secret).update(signed).digest("base64url");
	}
	const head = base64url(JSON.stringify({ alg: "dir", enc: "A256GCM", kid: key.kid }));
	const nonce = randomBytes(12); // never the same twice under one key
	const cipher = createCipheriv("aes-256-gcm", secret, nonce).setAAD(Buffer.from(head));
	const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
	return [head, "", base64url(nonce), base64url(sealed), base64url(cipher.getAuthTag())].join(".");
}

const [file, site] = process.argv.slice(2);
const key = JSON.parse(readFileSync(file, "utf8")).keys[0];
const event = { userId: "jane@example.com", event: "Email Opened", properties: { campaign: "spring" } };
console.log(`${site}/v1/pixel/track?data=${seal(event, key)}`);
