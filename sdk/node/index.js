"use strict";

const {
  SecureCodeError,
  LocalError,
  RefusedError,
  DistrustedError,
  UnreachableError,
  QuotaError,
} = require("./lib/errors.js");
const { READ_OPTIONS, checkOptions, isText, withEnvironment } = require("./lib/environment.js");
const { refusal } = require("./lib/policy.js");

const isTexts = (value) => Array.isArray(value) && value.every(isText);
const LOAD_OPTIONS = {
  ...READ_OPTIONS,
  override: (value) => typeof value === "boolean",
  only: isTexts,
  tags: isTexts,
  processEnv: (value) => typeof value === "object" && value !== null,
};

async function loadEnv(options = {}) {
  checkOptions(options, LOAD_OPTIONS);
  const { override = false, only, tags, processEnv = process.env, ...reading } = options;
  if (only && tags) throw new LocalError("option", "both `only` and `tags` are given", "leave one of them out");
  return forAgents(() => load({ override, only, tags, processEnv }, reading));
}

/** What an agent starts goes on with the variables that the guard gave it. */
async function forAgents(work) {
  try {
    return await work();
  } catch (error) {
    if (error.code !== "agent") throw error;
    process.emitWarning(error.message, { type: "SecureCodeWarning", code: "SECURECODE_AGENT" });
    return { project: null, environment: null, manifest: 0, loaded: [], kept: [], leftOut: [], offlineSince: null };
  }
}

function load({ override, only, tags, processEnv }, reading) {
  return withEnvironment(reading, (contents, manifest, offlineSince) => {
    const secrets = JSON.parse(contents.secrets());
    const isTagged = ({ tags: own }) => !tags || own.some((tag) => tags.includes(tag));
    const chosen = only ? only.map((name) => named(secrets, name)) : secrets.filter(isTagged);
    if (tags && chosen.length === 0) {
      throw new RefusedError("absent", `no secret has the tags ${tags.join(", ")}`, "list them: securecode list");
    }
    const [values, leftOut] = [new Map(), []];
    for (const secret of chosen) {
      const [value, error] = valueOf(contents, secret);
      if (error === null) values.set(secret.name, value);
      else if (only) throw error;
      else leftOut.push({ name: secret.name, why: error.what });
    }
    // Nothing was set so far, so whatever fails above leaves all as it was.
    const [loaded, kept] = [[], []];
    for (const [name, value] of values) {
      const stays = !override && Object.hasOwn(processEnv, name) && processEnv[name] !== undefined;
      (stays ? kept : loaded).push(name);
      // Not assigned: `__proto__` is a name like any other.
      if (stays) continue;
      Object.defineProperty(processEnv, name, { value, configurable: true, enumerable: true, writable: true });
    }
    if (leftOut.length > 0) {
      const what = `left out: ${leftOut.map(({ why }) => why).join("; ")}`;
      process.emitWarning(what, { type: "SecureCodeWarning", code: "SECURECODE_LEFT_OUT" });
    }
    const [project, environment] = [contents.project(), contents.environment()];
    return { project, environment, manifest, loaded: loaded.sort(), kept: kept.sort(), leftOut, offlineSince };
  });
}

async function getSecret(name, options = {}) {
  checkOptions({ name }, { name: isText });
  checkOptions(options, READ_OPTIONS);
  return withEnvironment(options, (contents) => {
    const [value, error] = valueOf(contents, named(JSON.parse(contents.secrets()), name));
    if (error !== null) throw error;
    return value;
  });
}

async function listSecrets(options = {}) {
  checkOptions(options, READ_OPTIONS);
  return withEnvironment(options, (contents) =>
    JSON.parse(contents.secrets()).sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

function named(secrets, name) {
  const found = secrets.find((secret) => secret.name === name);
  if (found) return found;
  throw new RefusedError("absent", `there is no secret ${name}`, "list the names: securecode list");
}

/** A secret's value, or why it is not to be had. */
function valueOf(contents, secret) {
  const refused = refusal(secret);
  if (refused) return [null, refused];
  const value = contents.reveal(secret.name);
  if (value !== undefined) return [value, null];
  const what = `the value of ${secret.name} is not text, which no variable of Node's can hold`;
  return [null, new RefusedError("not_text", what, "store it encoded, as base64 for example")];
}

module.exports = {
  loadEnv,
  getSecret,
  listSecrets,
  SecureCodeError,
  LocalError,
  RefusedError,
  DistrustedError,
  UnreachableError,
  QuotaError,
};
