// The newest state of each environment that this machine has seen, in the client's own folder and form. A vault that
// serves an older one is restored, compromised or lying.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const home = require("./home.js");
const { checked } = require("./errors.js");

const PIN = "remove the environment's file under ~/.securecode/pins";
const OLDER = `do not use this vault before its operator explains; if a backup was restored on purpose, ${PIN}`;

/** Checks an opened environment against its pin. */
function admit(contents) {
  return checked("file_malformed", PIN, () => JSON.parse(contents.admit(read(file(contents)))), OLDER);
}

/** Pins what was admitted. Node has no file locks: of two processes at one moment the older state may win. */
function keep(contents, { version, digest }) {
  const text = `${version} ${digest}\n`;
  const where = file(contents);
  try {
    if (readText(where) === text) return;
    for (const folder of [home.folder(), path.dirname(where)]) fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    home.replacePrivateFile(where, text);
  } catch {
    // A container without a writable home has no memory; `minManifest` can stand in for it.
    const folder = path.dirname(where);
    const what = `${folder} cannot be written, so an older state served later will not be noticed`;
    process.emitWarning(what, { type: "SecureCodeWarning", code: "SECURECODE_NO_MEMORY" });
  }
}

function file(contents) {
  return path.join(home.folder(), "pins", contents.id());
}

function readText(where) {
  try {
    return fs.readFileSync(where, "utf8");
  } catch {
    return "";
  }
}

function read(where) {
  const found = /^(\d{1,15}) ([0-9a-f]{64})\s*$/.exec(readText(where));
  return found ? JSON.stringify({ version: Number(found[1]), digest: found[2] }) : undefined;
}

module.exports = { admit, keep };
