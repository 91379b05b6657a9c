// Requests to a vault. A server's prose goes nowhere.
"use strict";

const { setTimeout: sleep } = require("node:timers/promises");
const wasm = require("../wasm/sealing_js.js");
const { LocalError, QuotaError, RefusedError, UnreachableError } = require("./errors.js");
const { version } = require("../package.json");

/** No answer is longer: an environment of some hundred large secrets. */
const LONGEST_ANSWER = 32 * 1024 * 1024;
const AGAIN = "check the address, the network, and that the vault runs; then try again";

/** What connecting can fail with and will fail with again. */
const FINAL = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;
const CAUSES = {
  ECONNREFUSED: "nothing listens at that address",
  ENOTFOUND: "there is no host of that name",
};

class Vault {
  constructor(url, token, patience) {
    Object.assign(this, { url: url.replace(/\/+$/, ""), patience });
    const headers = { authorization: `Bearer ${token}`, "user-agent": `securecode-node/${version}` };
    if (process.env.CLAUDECODE !== undefined) headers["securecode-agent"] = "claude-code";
    // Not enumerable: nothing that prints the vault prints the token.
    Object.defineProperty(this, "headers", { value: headers });
  }

  /** The text of an answer. Tries again with full jitter, and waits as long as the vault asks for. */
  async get(path) {
    const { retries, patienceMs, signal } = this.patience;
    const end = Date.now() + patienceMs;
    for (let tried = 0; ; tried++) {
      const { text, error, wait } = await this.#once(path, tried);
      if (error === undefined) return text;
      if (wait === undefined || tried >= retries || Date.now() + wait > end) throw error;
      await sleep(wait, undefined, { signal });
    }
  }

  async #once(path, tried) {
    const { timeoutMs, signal } = this.patience;
    const late = AbortSignal.timeout(timeoutMs);
    const backoff = Math.random() * Math.min(8000, 250 * 2 ** tried);
    let response, text;
    try {
      response = await fetch(this.url + path, {
        headers: this.headers,
        // A redirect could carry a token to somebody else.
        redirect: "manual",
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      });
      text = await read(response);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof LocalError) return { error };
      const code = error.cause?.code ?? error.code;
      const isFinal = FINAL.test(code);
      const cause = late.aborted
        ? "it does not answer in time"
        : isFinal
          ? "its TLS certificate is not valid"
          : (CAUSES[code] ?? "the connection fails");
      return { error: this.#unreachable(cause), wait: isFinal ? undefined : backoff };
    }
    if (text === null) return { error: this.#nonsense() };
    if (response.ok) {
      const isJson = /^application\/json\b/.test(response.headers.get("content-type") ?? "");
      return isJson ? { text } : { error: this.#nonsense() };
    }
    const again = [429, 502, 503, 504].includes(response.status);
    const refusal = wasm.refusal(text);
    // A gateway in between, whose own words nobody needs.
    if (refusal === undefined) {
      if (!again) return { error: this.#nonsense() };
      const asked = retryAfter(response);
      const cause = `a gateway answers ${response.status}`;
      return { error: this.#unreachable(cause, asked), wait: asked === undefined ? backoff : asked * 1000 + backoff };
    }
    const { code, advice, limit, retry_after: inBody } = JSON.parse(refusal);
    const asked = inBody ?? retryAfter(response);
    const wait = !again ? undefined : asked === undefined ? backoff : asked * 1000 + backoff;
    return { error: refused(code, advice, limit, asked), wait };
  }

  #unreachable(cause, asked) {
    const what = `the vault at ${this.url} cannot be reached: ${cause}`;
    return new UnreachableError("unreachable", what, AGAIN, asked);
  }

  #nonsense() {
    const what = `what answers at ${this.url} is not a SecureCode vault of this version`;
    const remedy = "check the vault's address; if it is right, update this package or the vault";
    return new UnreachableError("no_vault_there", what, remedy);
  }
}

/** An answer's text; nothing if it is longer than any. */
async function read(response) {
  const parts = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > LONGEST_ANSWER) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Seconds, from a number or a date. */
function retryAfter(response) {
  const text = response.headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const until = Date.parse(text);
  return Number.isNaN(until) ? undefined : Math.max(0, Math.ceil((until - Date.now()) / 1000));
}

function refused(code, advice, limit, asked) {
  const [what, ...rest] = advice.split("; ");
  const remedy = asked === undefined ? rest.join("; ") || "try again" : `try again in ${asked} seconds`;
  const Kind = {
    quota_exceeded: QuotaError,
    reads_exhausted: QuotaError,
    too_many_requests: QuotaError,
    unavailable: UnreachableError,
    internal: UnreachableError,
  }[code];
  const which = limit ? ` (${limit})` : "";
  return new (Kind ?? RefusedError)(code, `the vault refused: ${what}${which}`, remedy, asked ?? undefined);
}

module.exports = { Vault };
