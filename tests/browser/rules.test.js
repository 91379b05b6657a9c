import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, canary } from "./kit.js";

test("a rule holds for a tag, is changed without losing anything, and is taken away", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  const value = canary("ruled");
  await ada.addSecret("RULED_SECRET", value, { tags: "ruled-tag" });
  await ada.follow("Rules");
  await ada.sees("No rules yet");
  await ada.press("Rule");
  await ada.fill("Tag", "ruled-tag");
  await page.getByLabel("Use by commands").selectOption("ask");
  await page.getByLabel("Allowed commands").fill("psql, node");
  await page.getByLabel("Allowed hosts").fill("ruled.example.com");
  await ada.press("Lay down");
  await ada.sees("The rule for ruled-tag holds from now on.");
  await ada.sees("use: a person is asked · showing it: allowed · only node, psql · only to ruled.example.com");
  // What was laid down is what the form shows, and stays where nothing is changed.
  await ada.press("Change the rule for ruled-tag");
  assert.equal(await page.getByLabel("Allowed commands").inputValue(), "node, psql");
  await page.getByLabel("Production").check();
  await ada.press("Lay down");
  await ada.sees("only node, psql · only to ruled.example.com · production");
  await ada.press("Rule");
  await ada.fill("Tag", "not a tag");
  await ada.press("Lay down");
  await page.getByRole("dialog").getByRole("alert").waitFor();
  await ada.press("Close");
  // Still there after a log-in.
  await ada.press("Lock");
  await ada.logIn();
  await ada.sees("only node, psql");
  await ada.press("Take the rule for ruled-tag away");
  await ada.sees("No rules yet");
  await ada.leaves(value, "RULED_SECRET", "ruled-tag", "ruled.example.com");
});
