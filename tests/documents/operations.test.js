// docs/operations.md: the native vault's commands, as they are written, in folders of the test.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { finish, person, root } from "../sdk/kit.js";
import { blocks, read } from "./blocks.js";

const env = { PATH: `${join(root, "target/debug")}:/usr/bin:/bin` };

/** Starts a vault by these words; its address. */
async function serve(t, words) {
  const [program, ...rest] = words.split(/\s+/);
  const vault = spawn(program, rest, { env, stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => vault.kill("SIGKILL"));
  const [line] = await new Promise((answer, fail) => {
    createInterface(vault.stdout).on("line", (line) => answer([line]));
    vault.on("exit", (status) => fail(new Error(`the vault ended with ${status}`)));
  });
  const stop = () => new Promise((done) => vault.on("exit", done) && vault.kill("SIGTERM"));
  return { url: /http:\S+(?=,)/.exec(line)[0], stop };
}

test("serving, backing up and restoring go as written, and so does changing the pepper", async (t) => {
  const folder = mkdtempSync(join(person.folder, "operated-"));
  const data = join(folder, "var");
  const here = (line) =>
    line.replace(/#.*/, "").trim().replace("/var/lib/securecode", data).replace("/backups", folder);
  const [first] = blocks("docs/operations.md");
  const [started, copied, restored] = first.trim().split("\n").map(here);
  const any = started.replace("127.0.0.1:8787", "127.0.0.1:0");
  const vault = await serve(t, any);
  const home = join(folder, "home");
  const owner = { ...env, SECURECODE_HOME: home, HOME: folder, SECURECODE_PASSPHRASE: "a passphrase for these tests alone" };
  const signup = ["signup", "--vault-url", vault.url, "--email", "o@example.com", "--recovery-file", join(folder, "code")];
  assert.equal((await finish("securecode", signup, { env: owner })).status, 0);
  const run = async (line) => {
    const done = await finish("sh", ["-ec", line], { env, cwd: data });
    assert.equal(done.status, 0, line + done.stderr);
  };
  await run(copied);
  await vault.stop();

  // A restored vault is that one: its owner logs in.
  renameSync(data, join(folder, "lost"));
  const done = await finish("sh", ["-ec", restored], { env });
  assert.equal(done.status, 0, done.stderr);
  const logIn = async (url) => {
    const again = ["login", "--vault-url", url, "--email", "o@example.com"];
    const { status, stderr } = await finish("securecode", again, { env: owner });
    assert.equal(status, 0, stderr);
  };
  const back = await serve(t, any);
  await logIn(back.url);
  await back.stop();

  const [, made] = /\(`(openssl rand 32 [^`]*)`\)/.exec(read("docs/operations.md"));
  await run("mv pepper previous-pepper");
  await run(made);
  assert.notEqual(readFileSync(join(data, "pepper"), "utf8"), readFileSync(join(data, "previous-pepper"), "utf8"));
  const changed = await serve(t, any);
  await logIn(changed.url);
  await changed.stop();
  await run("rm previous-pepper");
  assert.ok(!existsSync(join(data, "previous-pepper")));
  await logIn((await serve(t, any)).url);
});
