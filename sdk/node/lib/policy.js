// What an owner laid down, at work in an application: nobody is there to be asked.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const home = require("./home.js");
const wasm = require("../wasm/sealing_js.js");
const { RefusedError } = require("./errors.js");

/** Why this program may not have a secret; nothing if it may. */
function refusal({ name, use, commands }) {
  if (wasm.isHijacking(name) && !allowedNames().includes(name)) {
    const what = `a variable named ${name} could take over a shell, a loader or a tool`;
    return new RefusedError("name_refused", what, "give the secret another name");
  }
  const remedy = `the owner can change that: securecode policy ${name}`;
  if (use === "block") return new RefusedError("blocked", `the owner laid down that ${name} may not be used`, remedy);
  if (use === "ask") {
    const what = `the owner wants to be asked before ${name} is used, and an application cannot ask`;
    return new RefusedError("asks", what, remedy);
  }
  if (!isAmong(commands)) {
    const what = `the owner laid down that only ${commands.join(", ")} may have ${name}`;
    return new RefusedError("other_commands", what, `add node to them: securecode policy ${name} --command node`);
  }
  return null;
}

/** Whether this Node is one of the programs that the owner named: by its name, or by its path. */
function isAmong(commands) {
  const own = path.basename(process.execPath).replace(/\.exe$/, "");
  return commands.length === 0 || commands.some((command) => command === own || isThisProgram(command));
}

function isThisProgram(command) {
  try {
    return command.includes("/") && fs.realpathSync(command) === fs.realpathSync(process.execPath);
  } catch {
    return false;
  }
}

/** What a person allowed on this machine. */
function allowedNames() {
  return (home.readPrivateFile(path.join(home.folder(), "allowed-names")) ?? "").split("\n");
}

module.exports = { refusal };
