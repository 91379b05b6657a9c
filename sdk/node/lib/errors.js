"use strict";

/** What happened and what to do now. Never holds a value, a key, or a word of the server's. */
class SecureCodeError extends Error {
  constructor(code, what, remedy, retryAfter) {
    super(`${what}\n  to do now: ${remedy}`);
    this.name = new.target.name;
    Object.assign(this, { code, what, remedy });
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

class LocalError extends SecureCodeError {}
class RefusedError extends SecureCodeError {}
class DistrustedError extends SecureCodeError {}
class UnreachableError extends SecureCodeError {}
class QuotaError extends SecureCodeError {}

const NOT_TRUSTED = "do not use this vault before its operator explains; nothing of its answer was used";

/**
 * Runs something of the wasm, whose errors say what is wrong without quoting a secret. `code` and `remedy` are for what
 * is wrong here, `distrusted` says what to do where the vault's answer does not hold.
 */
function checked(code, remedy, step, distrusted = NOT_TRUSTED) {
  try {
    return step();
  } catch (error) {
    if (error.name === "Distrusted") {
      throw new DistrustedError("distrusted", `the vault's answer is not trusted: ${error.message}`, distrusted);
    }
    if (error.name === "Mistake" || error.name === "Failure") throw new LocalError(code, error.message, remedy);
    throw error;
  }
}

module.exports = {
  SecureCodeError,
  LocalError,
  RefusedError,
  DistrustedError,
  UnreachableError,
  QuotaError,
  checked,
};
