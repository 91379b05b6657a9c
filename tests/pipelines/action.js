// The action, run as GitHub's runner runs it: its steps' scripts, in bash, with its inputs in the environment.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finish, person, root, securecode } from "../sdk/kit.js";
import { parse } from "./kit.js";

export const action = parse("action.yml");

const github = {
  action_path: root,
  action_ref: "v0.1.0",
  action_repository: "owner/securecode",
  server_url: "https://github.com",
};

/** What GitHub puts in the place of an expression, for those that the action uses. */
function evaluate(text, inputs) {
  return text.replace(/\$\{\{ *(.*?) *\}\}/g, (_, expression) => {
    const [first, second] = expression.split(" || ");
    if (second) return evaluate(`\${{ ${first} }}`, inputs) || evaluate(`\${{ ${second} }}`, inputs);
    const known = github[/^github\.(.*)$/.exec(expression)?.[1]];
    if (known) return known;
    const name = /^inputs\.(.*)$/.exec(expression)?.[1];
    assert.ok(action.inputs[name], `the action has no input ${name}`);
    return inputs[name] ?? action.inputs[name].default;
  });
}

/** Runs the action; what the log shows before the runner masks it, and what later steps are given. */
export async function act(inputs, more = {}) {
  person.revealing ??= await key("read,reveal");
  const folder = mkdtempSync(join(person.folder, "run-"));
  const [variables, bin] = [join(folder, "env"), join(folder, "bin")];
  mkdirSync(bin);
  writeFileSync(variables, "");
  copyFileSync(join(root, "target/debug/securecode"), join(bin, "securecode"));
  inputs = { "vault-url": person.url, "api-key": person.revealing, ...inputs };
  for (const [name, { required }] of Object.entries(action.inputs)) assert.ok(!required || inputs[name], name);
  const runner = { HOME: folder, PATH: `${bin}:/usr/bin:/bin`, GITHUB_ENV: variables, RUNNER_TEMP: folder, CI: "true" };
  let log = "";
  for (const step of action.runs.steps) {
    assert.equal(step.shell, "bash");
    const env = Object.fromEntries(Object.entries(step.env).map(([name, text]) => [name, evaluate(text, inputs)]));
    const script = join(folder, "step.sh");
    writeFileSync(script, evaluate(step.run, inputs));
    const words = ["--noprofile", "--norc", "-eo", "pipefail", script];
    const { status, stdout, stderr } = await finish("bash", words, { cwd: folder, env: { ...runner, ...env, ...more } });
    log += stdout + stderr;
    if (status !== 0) return { status, log, variables: readFileSync(variables, "utf8"), folder };
  }
  return { status: 0, log, variables: readFileSync(variables, "utf8"), folder };
}

export async function key(permissions) {
  const words = ["--project", "shop", "--environment", "dev", "--name", "ci", "--permission", permissions, "--json"];
  return JSON.parse(await securecode("keys", "create", ...words)).key;
}

/** The log, as the runner shows it: without what it was told to mask, and without the commands that told it so. */
export function shown(log) {
  const masks = [...log.matchAll(/^::add-mask::(.*)$/gm)].map(([, mask]) => mask.replaceAll("%25", "%"));
  const lines = log.split("\n").filter((line) => !line.startsWith("::add-mask::"));
  return masks.reduce((text, mask) => text.replaceAll(mask, "***"), lines.join("\n"));
}
