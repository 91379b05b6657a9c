import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Person, canary } from "./kit.js";
import { Machine } from "./machine.js";

// The README's way, step by step, and what comes after it.
test("from nothing to a secret in Claude Code, its access in the timeline, revoking and recovery", async (t) => {
  const value = canary("journey");
  const machine = new Machine();
  const dotenv = path.join(machine.project, ".env");
  writeFileSync(dotenv, `STRIPE_KEY=${value}\nPORT=8080\n`);
  writeFileSync(
    path.join(machine.project, "app.js"),
    'console.log("sha256", require("crypto").createHash("sha256").update(process.env.STRIPE_KEY).digest("hex"));\n',
  );
  const get = { tool: "mcp__securecode__get-secret", input: { name: "STRIPE_KEY" } };
  const use = [
    get, // answered by the welcome
    { ...get, save: { F: "injected -> ([^\\s\"\\\\]+)" } },
    { tool: "Bash", input: { command: "source {F} && node app.js", description: "start" } },
  ];

  const begun = performance.now();
  // 1. An account, and the file on Import.
  const ada = await Person.withAccount();
  const { page } = ada;
  await ada.fill("Project", "webshop-of-ada");
  await ada.press("Make them");
  await ada.to("Import");
  await page.getByLabel("Files to import").setInputFiles(dotenv);
  await ada.press("Store 2");
  await ada.sees("2 secrets stored.");
  // 2. The machine.
  const { words, link, ended } = await machine.setUp();
  await page.goto(link);
  await ada.sees(words);
  await ada.press("They are the same");
  await page.getByLabel("It gets a key for").selectOption({ label: "webshop-of-ada / dev" });
  await ada.press("Approve");
  const { code, text } = await ended;
  assert.equal(code, 0, text);
  rmSync(dotenv);
  // 3. The agent's settings.
  machine.run("check", "--fix", "--profile", "guard");
  // 4. Work that needs a secret.
  const { sent, answers } = await machine.agent(use);
  t.diagnostic(`from the empty page to the secret in Claude Code: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  const digest = createHash("sha256").update(value).digest("hex");
  assert.ok(answers.some((answer) => answer.includes(digest)), `the application has the secret: ${answers}`);
  assert.ok(!sent.includes(value), "its model has not");

  await ada.to("Activity");
  await page.locator(".timeline li", { hasText: "STRIPE_KEY" }).first().waitFor();

  await ada.to("Keys");
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await ada.press("Revoke it");
  await page.getByRole("button", { name: "Revoke", exact: true }).waitFor({ state: "detached" });
  const refused = (await machine.agent([get, get])).answers;
  assert.match(refused.at(-1), /revoked/);

  await ada.press("Lock");
  await ada.recover("another horse battery staple");
  await ada.press("Reveal STRIPE_KEY");
  await ada.sees(value);
  await ada.leaves(value, "STRIPE_KEY", "another horse battery staple");
});
