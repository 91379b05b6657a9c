// What the vault does to read one secret, by hand in JavaScript: the token, its verifier, the vault's own statement, the
// answer. It does less: it seals no audit entry (random text of that length stands there), checks no row's MAC and no
// checksum, and knows no limits.
import READ from "./read.sql";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const text = new TextEncoder();
let pepper;

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const [, , , environment, , index] = pathname.split("/");
    const token = base62(request.headers.get("authorization").slice("Bearer sct_".length, -6));
    const [id, auth] = [token.subarray(0, 16), token.subarray(16)];
    pepper ??= await crypto.subtle.importKey("raw", unbase64url(env.PEPPER), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const fields = lengthPrefixed(text.encode("securecode/1/verifier"), id, auth);
    const verifier = base64url(new Uint8Array(await crypto.subtle.sign("HMAC", pepper, fields)));
    const entry = crypto.getRandomValues(new Uint8Array(256));
    const leaf = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", entry)));
    const row = await env.DB.prepare(READ)
      .bind(
        hex(id), verifier, verifier, Math.floor(Date.now() / 1000), 1, hex(crypto.getRandomValues(new Uint8Array(16))),
        base64url(entry), 1, environment, 0, null, null, 0, "", leaf, null, parseInt(index.slice(0, 4), 16), index,
      )
      .first();
    if (!row) return new Response(null, { status: 401 });
    const found = JSON.parse(row.environment);
    const { blob, canary, policy_version, ...secret } = JSON.parse(row.secret);
    return Response.json({
      seq: row.seq,
      leaf,
      environment: { id: found.id, project: found.project, generation: found.generation, key: found.granted_key },
      root: { version: found.root_version, blob: found.root },
      bucket: found.bucket,
      secret: { ...secret, policy: secret.policy ? { version: policy_version, blob: secret.policy } : undefined },
    });
  },
};

function base62(digits) {
  let number = 0n;
  for (const digit of digits) number = number * 62n + BigInt(BASE62.indexOf(digit));
  return unhex(number.toString(16).padStart(96, "0"));
}

function lengthPrefixed(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + 4 + field.length, 0));
  let at = 0;
  for (const field of fields) {
    new DataView(bytes.buffer).setUint32(at, field.length);
    bytes.set(field, at + 4);
    at += 4 + field.length;
  }
  return bytes;
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (digits) => Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const unbase64url = (digits) =>
  Uint8Array.from(atob(digits.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
