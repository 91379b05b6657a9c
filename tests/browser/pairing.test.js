import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Person, canary } from "./kit.js";
import { Machine } from "./machine.js";

test("a machine asks, its owner compares words, and an agent's command has the secret", async () => {
  const value = canary("paired");
  const ada = await Person.withEnvironment();
  await ada.addSecret("PAIRED_SECRET", value);
  const machine = new Machine();
  const { words, link, ended } = await machine.setUp();
  assert.match(link, /#\/pair\/scp_[0-9A-Za-z]{71}\/webshop\/dev$/);
  await ada.page.goto(link);
  // The link is only a fragment: the page that is open takes it.
  await ada.sees(words);
  await ada.press("They are the same");
  await ada.page.getByLabel("It gets a key for").selectOption({ label: "webshop-of-ada / dev" });
  await ada.press("Approve");
  await ada.sees("Approved.");
  const { code, text } = await ended;
  assert.equal(code, 0, text);
  assert.match(text, /This folder uses webshop-of-ada\/dev\./);
  await ada.sees("The machine has its key.");
  const file = path.join(machine.project, ".securecoderc");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(path.join(machine.project, ".gitignore"), "utf8"), /^\.securecoderc$/m);
  const out = machine.run("run", "--", "sh", "-c", `test "$PAIRED_SECRET" = ${value} && echo it is`);
  assert.equal(out, "it is\n");
  const key = readFileSync(file, "utf8").match(/sc_[0-9A-Za-z]{71}/)[0];
  await ada.leaves(value, "PAIRED_SECRET", key);
});

test("a machine is approved by who logs in for it, with a project made for it", async () => {
  const ada = await Person.withAccount();
  await ada.press("Lock");
  const machine = new Machine();
  const { words, link, ended } = await machine.setUp();
  await ada.page.goto(link);
  await ada.sees("Log in to give a key to the machine");
  await ada.logIn();
  await ada.sees(words);
  await ada.press("They are the same");
  assert.equal(await ada.page.getByLabel("Project", { exact: true }).inputValue(), "webshop");
  await ada.press("Approve");
  const { code, text } = await ended;
  assert.equal(code, 0, text);
  assert.match(text, /This folder uses webshop\/dev\./);
  await ada.leaves();
});

test("nothing is given where the words differ, and a mistyped link says so", async () => {
  const ada = await Person.withEnvironment();
  const machine = new Machine();
  const { link, child, ended } = await machine.setUp();
  await ada.page.goto(link);
  await ada.press("They differ");
  await ada.sees("No secrets yet");
  await ada.to("Keys");
  await ada.sees("No keys yet");
  await ada.page.goto(link.replace("/pair/scp_", "/pair/scp_x"));
  await ada.sees("it is not 75 characters long");
  child.kill();
  await ended;
  await ada.leaves();
});
