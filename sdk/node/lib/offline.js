// The environment as the vault served it, for when it cannot be reached: sealed, so that nobody opens it without the
// API key, and checked like an answer when it is used.
"use strict";

const home = require("./home.js");
const { LocalError } = require("./errors.js");

const WEEK = 7 * 24 * 60 * 60 * 1000;

class OfflineFile {
  constructor(option) {
    const { path, maxAgeMs = WEEK } = typeof option === "string" ? { path: option } : option;
    Object.assign(this, { path, maxAgeMs });
  }

  /** Keeps what the vault answered. That it cannot is no reason not to start. */
  keep(answers) {
    const text = JSON.stringify({ offline: 1, saved_at: Date.now(), ...answers });
    try {
      home.replacePrivateFile(this.path, text);
    } catch (error) {
      const what = `the offline file was not written: ${error.what}`;
      process.emitWarning(what, { type: "SecureCodeWarning", code: "SECURECODE_OFFLINE_NOT_WRITTEN" });
    }
  }

  /** `{bundle, rules, savedAt}`, the answers as texts. */
  read() {
    const text = home.readPrivateFile(this.path);
    if (text === null) throw this.#unusable("is not there: no start with the vault has written it");
    let kept;
    try {
      kept = JSON.parse(text);
    } catch {
      kept = null;
    }
    const { offline, saved_at: savedAt, bundle, rules } = kept ?? {};
    if (offline !== 1 || typeof savedAt !== "number" || typeof bundle !== "string" || !["string", "object"].includes(typeof rules)) {
      throw this.#unusable("is not of the form it must have");
    }
    const age = Date.now() - savedAt;
    // A clock that was turned back makes it no younger.
    if (!(age >= -60_000 && age <= this.maxAgeMs)) throw this.#unusable("is older than it may be");
    return { bundle, rules, savedAt: new Date(savedAt) };
  }

  #unusable(why) {
    return new LocalError("offline_file", `the offline file ${this.path} ${why}`, "start once with the vault");
  }
}

module.exports = { OfflineFile };
