import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isSilent, root, securecode, set, values } from "../sdk/kit.js";
import { act, action, key, shown } from "./action.js";

/** Variables as the runner reads them (docs.github.com, "Setting an environment variable"). */
function read(text) {
  const found = {};
  const lines = text.split("\n");
  while (lines.length > 1) {
    const [name, end] = lines.shift().split("<<");
    const at = lines.indexOf(end);
    assert.ok(at >= 0, "a value without an end");
    found[name] = lines.splice(0, at).join("\n");
    lines.shift();
  }
  return found;
}

test("a script has the secrets, masked in what it prints, and no other step has them", async () => {
  const done = await act({ run: 'echo "connecting to $DATABASE_URL"\ntest -z "${SECURECODE_API_KEY-}"\necho done' });
  assert.equal(done.status, 0, done.log);
  assert.match(done.log, /connecting to \[DATABASE_URL\]\ndone/);
  isSilent(shown(done.log));
  assert.equal(done.variables, "");
});

test("only some secrets, by their names", async () => {
  const done = await act({ only: "STRIPE_KEY", run: 'echo "${DATABASE_URL-none} ${STRIPE_KEY:+some}"' });
  assert.match(done.log, /^none some$/m);
});

test("a script's own failure is the step's", async () => {
  const done = await act({ run: "false | true\necho not reached" });
  assert.notEqual(done.status, 0);
  assert.doesNotMatch(done.log, /not reached/);
});

test("without a script the steps that follow have them, and the log masks every line of them", async () => {
  await set("PEM", "-----BEGIN 100% KEY-----\nline two of it\n-----END KEY-----", "other");
  const done = await act({});
  assert.equal(done.status, 0, done.log);
  assert.deepEqual(read(done.variables), { ...values, PEM: "-----BEGIN 100% KEY-----\nline two of it\n-----END KEY-----" });
  for (const text of [...Object.values(values), "line two of it", "-----BEGIN 100% KEY-----"]) {
    assert.ok(!shown(`${done.log}\nlater: ${text}\n`).includes(text));
  }
  await securecode("rm", "PEM");
});

test("a key without the permission reveal gives later steps nothing, and says why", async () => {
  const reader = await key("read");
  const refused = await act({ "api-key": reader });
  assert.notEqual(refused.status, 0);
  assert.match(refused.log, /lacks the permission/);
  assert.equal(refused.variables, "");
  const used = await act({ "api-key": reader, run: "echo ${STRIPE_KEY:+some}" });
  assert.match(used.log, /^some$/m);
});

test("a variable of the runner's own is not written over", async () => {
  await set("CI", "false", "other");
  const done = await act({});
  assert.notEqual(done.status, 0);
  assert.match(done.log, /CI is a variable of the runner's own/);
  assert.equal(done.variables, "");
  await securecode("rm", "CI");
});

test("every input is used, and nothing is pasted into a script", () => {
  const text = readFileSync(join(root, "action.yml"), "utf8");
  for (const name of Object.keys(action.inputs)) assert.match(text, new RegExp(`\\{\\{ inputs\\.${name} (\\}\\}|\\|\\|)`));
  for (const step of action.runs.steps) assert.doesNotMatch(step.run, /inputs\./);
  assert.ok(existsSync(join(root, "pipelines/github.sh")));
});
