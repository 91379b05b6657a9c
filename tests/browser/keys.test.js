import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Person, canary, client, vault } from "./kit.js";

/** The command line on a machine of its own, with a key that the browser made. */
function securecode(key, ...words) {
  const home = mkdtempSync(join(tmpdir(), "securecode-browser-"));
  return execFileSync(client, words, {
    cwd: home,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: home, SECURECODE_API_KEY: key, SECURECODE_VAULT_URL: vault },
  });
}

async function made(person) {
  const key = (await person.page.locator("output.code").innerText()).trim();
  assert.match(key, /^sc_[0-9A-Za-z]{71}$/);
  await person.press("I have it");
  return key;
}

test("a key that the browser makes opens what the browser sealed, until it is revoked; the activity shows both", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  const value = canary("value");
  await ada.addSecret("NPM_TOKEN", value);
  await ada.to("Keys");
  await ada.press("Make a key");
  await ada.fill("Name", "ci");
  await page.getByLabel("Audit", { exact: false }).first().check();
  await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
  const key = await made(ada);
  assert.equal(securecode(key, "run", "--no-mask", "--", "printenv", "NPM_TOKEN").trim(), value);

  await ada.press("Rotate");
  await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
  const next = await made(ada);
  assert.equal(securecode(next, "run", "--no-mask", "--", "printenv", "NPM_TOKEN").trim(), value);

  await page.getByRole("button", { name: "Revoke", exact: true }).first().click();
  await ada.press("Revoke it");
  await page.getByRole("button", { name: "Revoke", exact: true }).nth(1).waitFor({ state: "detached" });
  const refused = [key, next].filter((one) => {
    try {
      securecode(one, "list");
      return false;
    } catch (error) {
      assert.match(error.stderr, /revoked/);
      return true;
    }
  });
  assert.equal(refused.length, 1, "one of the two is revoked");

  await ada.to("Activity");
  await ada.sees("given to a command");
  await ada.sees("Key rotated");
  await page.getByLabel("Result").selectOption("refused");
  await ada.sees("refused: key revoked");
  await page.getByLabel("Result").selectOption("");
  await page.getByPlaceholder("Secret").fill("tok");
  await page.locator(".timeline li", { hasText: "Secrets changed" }).getByText("NPM_TOKEN").waitFor();
  await ada.leaves(value, key, next, key.slice(30), "NPM_TOKEN");
});

test("a canary locks the key that reads it", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  await ada.addSecret("ADMIN_PASSWORD", canary("bait"));
  await ada.follow("ADMIN_PASSWORD");
  await ada.press("Policy");
  await page.getByLabel("Canary", { exact: false }).check();
  await page.getByLabel("Allowed commands").fill("psql, node");
  await ada.press("Lay down");
  await ada.sees("The policy of ADMIN_PASSWORD holds from now on.");
  await ada.press("Close");
  await page.locator(".tag-canary").waitFor();
  await ada.to("Keys");
  await ada.press("Make a key");
  await ada.fill("Name", "thief");
  await page.getByLabel("Reveal", { exact: false }).first().check();
  await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
  const key = await made(ada);
  assert.throws(() => securecode(key, "get", "ADMIN_PASSWORD", "--reveal"), /canary/);
  await page.reload();
  await ada.logIn();
  await ada.to("Keys");
  await page.getByRole("button", { name: "Show 1 of the past" }).click();
  await ada.sees("locked: it read a canary");
  await ada.leaves(key, "ADMIN_PASSWORD");
});
