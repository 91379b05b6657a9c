// An environment, read whole. Every answer is checked against the manifest and the pin before anything of it is used.
"use strict";

const { OfflineFile } = require("./offline.js");
const pins = require("./pins.js");
const where = require("./where.js");
const { Vault } = require("./vault.js");
const { DistrustedError, LocalError, RefusedError, UnreachableError, checked } = require("./errors.js");

const READ_OPTIONS = {
  environment: isText,
  cwd: isText,
  timeoutMs: isCount,
  retries: isCount,
  patienceMs: isCount,
  minManifest: isCount,
  offline: (value) => isText(value) || (isText(value?.path) && (value.maxAgeMs === undefined || isCount(value.maxAgeMs))),
  signal: (value) => value instanceof AbortSignal,
};

function isText(value) {
  return typeof value === "string" && value !== "";
}

function isCount(value) {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

/** Refuses an option that is unknown or of the wrong kind: a misspelt `override` must not pass. */
function checkOptions(options, known) {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const isRight = Object.hasOwn(known, name) ? known[name] : undefined;
    if (isRight?.(value)) continue;
    const what = isRight ? `the option \`${name}\` is not of its kind` : `there is no option \`${name}\``;
    throw new LocalError("option", what, "correct it; index.d.ts has every option");
  }
}

/**
 * Reads the environment that is meant, and lends it to `use` with when its offline file was written, if that had to do.
 */
async function withEnvironment(options, use) {
  const found = where.find(options.cwd ?? process.cwd());
  const client = where.client({ ...found, environment: options.environment ?? found.environment });
  const { timeoutMs = 10_000, retries = 3, patienceMs = 30_000, signal, minManifest = 0 } = options;
  const vault = new Vault(found.url, client.token(), { timeoutMs, retries, patienceMs, signal });
  const file = options.offline === undefined ? null : new OfflineFile(options.offline);
  try {
    try {
      return await fromVault(client, vault, file, minManifest, use);
    } catch (error) {
      if (file === null || !(error instanceof UnreachableError)) throw error;
      return fromFile(client, vault, file, minManifest, use, error);
    }
  } finally {
    client.free();
  }
}

async function fromVault(client, vault, file, minManifest, use) {
  // Whoever gives an environment another key while it is read does not do so all the time.
  for (let tried = 0; tried < 3; tried++) {
    const bundle = await theBundle(client, vault);
    const contents = open(client, bundle, minManifest);
    try {
      let pin = pins.admit(contents);
      let rules = null;
      if (contents.wantsRules()) {
        rules = await vault.get(`/v1/environments/${contents.id()}/rules`);
        const newer = checked("distrusted", "try again", () => contents.layDown(rules));
        if (newer === undefined) continue;
        pin = JSON.parse(newer);
      }
      pins.keep(contents, pin);
      file?.keep({ bundle, rules });
      return use(contents, pin.version, null);
    } finally {
      contents.free();
    }
  }
  throw new RefusedError("changing", "the environment changes while it is being read", "try again");
}

/** One request; three where a key may use several environments. */
async function theBundle(client, vault) {
  const path = "/v1/bundle?how=sdk";
  try {
    return await vault.get(path);
  } catch (error) {
    if (error.code !== "environment_ambiguous") throw error;
  }
  const served = await vault.get("/v1/environments");
  const remedy = "name one: the option `environment`, or `environment` in .securecoderc";
  const id = checked("environment_ambiguous", remedy, () => client.choose(served));
  if (id === undefined) throw noSuchEnvironment();
  return vault.get(`${path}&environment=${id}`);
}

function fromFile(client, vault, file, minManifest, use, unreachable) {
  let kept;
  try {
    kept = file.read();
  } catch (error) {
    throw new UnreachableError(unreachable.code, `${unreachable.what}; ${error.what}`, unreachable.remedy);
  }
  const remedy = `somebody altered the offline file ${file.path}: find out who, remove it, and start once with the vault`;
  const contents = open(client, kept.bundle, minManifest, remedy);
  try {
    // Not against the pin: the file may be older than what another program on this machine saw since.
    const pin = () => {
      const admitted = contents.admit(undefined);
      return contents.wantsRules() ? contents.layDown(kept.rules ?? "") : admitted;
    };
    const newest = checked("offline_file", remedy, pin, remedy);
    if (newest === undefined) throw new DistrustedError("distrusted", "the offline file mixes two keys", remedy);
    const used = use(contents, JSON.parse(newest).version, kept.savedAt);
    const what = `${unreachable.what}; what it served on ${kept.savedAt.toISOString()} is used instead`;
    process.emitWarning(what, { type: "SecureCodeWarning", code: "SECURECODE_OFFLINE" });
    return used;
  } finally {
    contents.free();
  }
}

function open(client, bundle, minManifest, distrusted) {
  const contents = checked("distrusted", "try again", () => client.open(bundle, minManifest), distrusted);
  if (contents.isMeant()) return contents;
  contents.free();
  throw noSuchEnvironment();
}

function noSuchEnvironment() {
  return new RefusedError(
    "environment_out_of_scope",
    "this key may not use the environment that is named",
    "check `environment` and `project`, or ask the owner for a key: securecode keys create --environment E",
  );
}

module.exports = { READ_OPTIONS, checkOptions, isText, withEnvironment };
