import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, canary, vault } from "./kit.js";

test("secrets are added, searched, revealed, copied, changed, compared, restored and deleted", async () => {
  const ada = await Person.withEnvironment();
  const [first, second, note] = [canary("first"), canary("second"), canary("note")];
  await ada.addSecret("DATABASE_URL", first, { tags: "production, db", note });
  await ada.addSecret("API_TOKEN", "x1y2z3");
  const { page } = ada;

  await page.getByPlaceholder("Search by name or note").fill("database");
  await ada.sees("1 of 2 secrets");
  await page.getByPlaceholder("Search by name or note").fill("");
  await page.getByRole("button", { name: "db", exact: true }).click();
  await ada.sees("1 of 2 secrets");
  await page.getByRole("button", { name: "db", exact: true }).click();

  assert.equal(await page.getByText(first).count(), 0, "a value is hidden to begin with");
  await ada.press("Reveal DATABASE_URL");
  await ada.sees(first);
  await ada.press("Hide DATABASE_URL");
  assert.equal(await page.getByText(first).count(), 0);
  await ada.press("Copy DATABASE_URL");
  await ada.sees("The clipboard is emptied");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first);

  await ada.follow("DATABASE_URL");
  await ada.press("Change");
  await ada.press("Give it another value");
  await ada.fill("Value", second);
  await ada.press("Store");
  await ada.sees("DATABASE_URL changed.");
  await ada.press("History");
  await ada.press("Compare");
  await page.locator(".difference .before", { hasText: first }).waitFor();
  await page.locator(".difference .now", { hasText: second }).waitFor();
  await ada.press("Restore");
  await ada.sees("Version 1 of DATABASE_URL is the newest again.");
  await page.getByRole("button", { name: "Value", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Reveal DATABASE_URL" }).click();
  await page.getByRole("dialog").getByText(first).waitFor();
  await page.getByRole("dialog").getByText("production").first().waitFor();
  await ada.press("Delete…");
  await ada.press("Delete it");
  await ada.sees("DATABASE_URL is in the bin for 30 days.");

  await ada.follow("Bin");
  await ada.press("Restore");
  await ada.sees("DATABASE_URL is back.");
  await ada.follow("Back to the secrets");
  await ada.press("Reveal DATABASE_URL");
  await ada.sees(first);
  await ada.leaves(first, second, note, "DATABASE_URL", "API_TOKEN");
});

test("a value that was generated is stored, and other tags leave it alone", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  await ada.press("Add");
  await ada.fill("Name", "SESSION_KEY");
  await ada.press("Generate 32 letters and digits");
  await page.waitForFunction(() => document.querySelector("textarea").value.length === 32);
  const value = await page.getByLabel("Value", { exact: true }).inputValue();
  assert.match(value, /^[0-9A-Za-z]{32}$/);
  await ada.press("Store");
  await ada.sees("SESSION_KEY stored.");
  await ada.follow("SESSION_KEY");
  await ada.press("Change");
  await ada.fill("Tags", "web");
  await ada.press("Store");
  await ada.sees("SESSION_KEY changed.");
  await page.getByRole("dialog").getByRole("button", { name: "Reveal SESSION_KEY" }).click();
  await page.getByRole("dialog").getByText(value).waitFor();
  await ada.leaves(value, "SESSION_KEY");
});

test("a name that is none, or is taken, or could take over a shell, is refused before anything is sent", async () => {
  const ada = await Person.withEnvironment();
  await ada.addSecret("TAKEN", "1");
  await ada.press("Add");
  await ada.fill("Value", "2");
  for (const [name, why] of [
    ["my-key", "a secret's name is a letter"],
    ["LD_PRELOAD", "could take over a shell"],
    ["TAKEN", "There is a secret of this name."],
  ]) {
    await ada.fill("Name", name);
    await ada.press("Store");
    await ada.sees(why);
  }
  await ada.leaves("LD_PRELOAD");
});

test("a link opens the secret of the environment that it names, whichever was looked at last", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  const chosen = page.locator(".environment-choice select");
  const [first, second] = [canary("first"), canary("second")];
  await ada.addSecret("TOKEN_OF_BOTH", first);
  const dev = await chosen.inputValue();
  await ada.to("Projects");
  await ada.press("Environment");
  await ada.fill("Name", "other");
  await ada.press("Make it");
  await chosen.selectOption({ label: "webshop-of-ada / other" });
  await ada.to("Secrets");
  await ada.addSecret("TOKEN_OF_BOTH", second);
  await page.goto(`${vault}/#/secret/TOKEN_OF_BOTH/${dev}`);
  await page.getByRole("dialog").getByRole("heading", { name: "TOKEN_OF_BOTH" }).waitFor();
  assert.equal(await chosen.inputValue(), dev);
  await ada.leaves(first, second, "TOKEN_OF_BOTH");
});
