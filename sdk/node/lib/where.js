// Where the key and the vault's address come from. Both come from the same source: a file in a repository can never
// send a key that came from elsewhere to a vault of its own choosing.
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const home = require("./home.js");
const wasm = require("../wasm/sealing_js.js");
const { LocalError, checked } = require("./errors.js");

const PROJECT_FILE = ".securecoderc";

/** The key, its vault, and which environment is meant: `{key, url, audience, project, environment}`. */
function find(start) {
  const key = process.env.SECURECODE_API_KEY;
  if (key) {
    isExpanded(key, "SECURECODE_API_KEY");
    return { key, ...personVault() };
  }
  const file = findUpwards(path.resolve(start));
  if (file === null) {
    throw new LocalError(
      "no_key",
      "there is no API key: SECURECODE_API_KEY is not set and no .securecoderc was found here or above",
      "run `securecode init` in the project, or set SECURECODE_API_KEY and SECURECODE_VAULT_URL",
    );
  }
  return projectFile(file);
}

function isExpanded(key, source) {
  if (!key.startsWith("${")) return;
  throw new LocalError(
    "key_malformed",
    `the API key in ${source} is not a key but the unexpanded text \`\${…}\``,
    "set the variable in the environment that starts this program, or run `securecode init`",
  );
}

function findUpwards(start) {
  for (let folder = start; ; folder = path.dirname(folder)) {
    const file = path.join(folder, PROJECT_FILE);
    if (fs.lstatSync(file, { throwIfNoEntry: false })) return file;
    if (folder === path.dirname(folder)) return null;
  }
}

function projectFile(file) {
  const fields = readToml(file, home.readPrivateFile(file) ?? "", wasm.readProjectFile);
  const { api_key: inside, key: id, vault_url: url, audience, project, environment } = fields;
  if ((inside === null) === (id === null)) {
    const what = `${file} must have one of \`api_key\` and \`key\``;
    throw new LocalError("file_malformed", what, "run `securecode init` again after removing it");
  }
  // Such a key is kept from agents (guard and sandbox profiles): what one starts gets secrets by the guard, masked. It is
  // no barrier to who takes the variable away; that is in the threat model.
  if (id !== null && process.env.CLAUDECODE) {
    throw new LocalError(
      "agent",
      "a coding agent runs this, and the key of this project is kept from agents",
      "let the agent call get-secret, and start this with: source FILE && COMMAND",
    );
  }
  // The id was parsed, so it is no path.
  const kept = id === null ? null : path.join(home.folder(), "keys", id);
  if (kept !== null && !isFor(home.readPrivateFile(`${kept}.vault`), url, audience)) {
    const what = `${PROJECT_FILE} names a vault that the key on this machine is not for`;
    const remedy = "do not use a .securecoderc of somebody else's; if your vault moved, remove it and run `securecode init`";
    throw new LocalError("vault_mismatch", what, remedy);
  }
  const key = inside ?? home.readPrivateFile(kept);
  if (key === null) {
    const what = `${file} names a key that is not on this machine`;
    throw new LocalError("no_key", what, "run `securecode init` again after removing it");
  }
  isExpanded(key, file);
  return { key: key.trim(), url, audience, project, environment };
}

/**
 * Whether a key is for this vault, by what was recorded when it was kept. Before that was done: a token for the very
 * address that it goes to is of no use elsewhere.
 */
function isFor(recorded, url, audience) {
  return recorded === null ? !audience : recorded === `${url.replace(/\/+$/, "")}\n${audience ?? ""}`;
}

/** The vault of the person on this machine: never from a project's file. */
function personVault() {
  const named = process.env.SECURECODE_VAULT_URL;
  if (named) return { url: named };
  const account = path.join(home.folder(), "account.toml");
  const text = home.readPrivateFile(account);
  if (text !== null) return vaultOf(account, text);
  const config = process.env.XDG_CONFIG_HOME || path.join(os.homedir(), ".config");
  const file = path.join(config, "securecode", "config.toml");
  try {
    return vaultOf(file, fs.readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof LocalError) throw error;
  }
  throw noVault();
}

function vaultOf(file, text) {
  const { vault_url: url, audience } = readToml(file, text, wasm.readPersonFile);
  if (url === null) throw noVault();
  return { url, audience };
}

function noVault() {
  return new LocalError(
    "no_vault",
    "no vault is named",
    "set SECURECODE_VAULT_URL, or sign up: securecode signup --vault-url URL --email E",
  );
}

function readToml(file, text, read) {
  try {
    return JSON.parse(read(text));
  } catch (error) {
    if (error.name !== "Mistake") throw error;
    const remedy = "mend that line, or remove the file and make it anew";
    throw new LocalError("file_malformed", `${file} ${error.message}`, remedy);
  }
}

/** The client of what was found: it holds the key, derives its token and opens what it may read. */
function client({ key, url, audience, project, environment }) {
  const remedy = "copy the whole key again, and give the vault's address as https://host[:port]";
  return checked("key_malformed", remedy, () => new wasm.Client(key, url, audience, project, environment));
}

module.exports = { find, client };
