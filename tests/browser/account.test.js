import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, passphrase } from "./kit.js";

test("a person signs up, locks, and logs in again", async () => {
  const ada = await Person.withAccount();
  await ada.press("Lock");
  await ada.sees("Locked.");
  assert.equal(await ada.page.getByLabel("E-mail").inputValue(), ada.email);
  await ada.logIn("a wrong passphrase");
  await ada.sees("E-mail and passphrase do not go together. Check both.");
  await ada.logIn();
  await ada.sees("Begin with a project");
  await ada.leaves();
});

test("the page answers while a passphrase is stretched, with what is going on", async () => {
  const ada = await Person.arrive();
  await ada.page.getByRole("link", { name: "Make an account" }).click();
  await ada.fill("E-mail", ada.email);
  await ada.fill("Passphrase", passphrase);
  await ada.fill("The same again", passphrase);
  const stretching = ada.page.getByText("Stretching the passphrase");
  await Promise.all([stretching.waitFor(), ada.press("Make the account")]);
  // Were it frozen, the page could answer only when this is over.
  for (let round = 0; round < 3; round++) assert.ok(await stretching.isVisible());
  ada.code = await ada.confirmCode("Open the vault");
  await ada.sees("Begin with a project");
  await ada.leaves();
});
