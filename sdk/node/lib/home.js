// `~/.securecode`, or what SECURECODE_HOME names: the client's own folder, and private files.
"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { randomBytes } = require("node:crypto");
const { LocalError } = require("./errors.js");

// Windows has neither modes nor user ids; a profile's folder is private there by its access list.
const HAS_MODES = process.platform !== "win32";

function folder() {
  return process.env.SECURECODE_HOME || path.join(os.homedir(), ".securecode");
}

function failed(file, error) {
  const cause = error.code ?? error.name;
  return new LocalError("file_failed", `${file}: ${cause}`, "check that it exists and that you may read and write it");
}

/** Reads a file that must be private: ours, a plain file, and not open to others. Nothing if there is none. */
function readPrivateFile(file) {
  let handle;
  try {
    handle = fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw failed(file, error);
  }
  try {
    const found = fs.fstatSync(handle);
    if (!found.isFile() || (HAS_MODES && found.uid !== process.geteuid())) {
      const remedy = "replace it by a file that you own";
      throw new LocalError("file_not_private", `${file} is no plain file of yours`, remedy);
    }
    if (HAS_MODES && (found.mode & 0o077) !== 0) {
      const what = `${file} can be read by others, so the key in it may be known`;
      throw new LocalError("file_not_private", what, `run: chmod 600 ${file}`);
    }
    return fs.readFileSync(handle, "utf8");
  } finally {
    fs.closeSync(handle);
  }
}

/** Replaces a private file whole: written beside it, synced, renamed into place. */
function replacePrivateFile(file, text) {
  const beside = `${file}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const handle = fs.openSync(beside, "wx", 0o600);
    try {
      fs.writeFileSync(handle, text);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(beside, file);
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw failed(file, error);
  }
}

module.exports = { folder, readPrivateFile, replacePrivateFile };
