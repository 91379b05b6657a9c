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

test("who logs in again at once is let in, however slow the vault ends the session before", async () => {
  const ada = await Person.withAccount();
  const ended = new Promise((done) => {
    void ada.context.route("**/v1/sessions/*", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await route.continue();
      done(route.request().method());
    });
  });
  await ada.press("Lock");
  await ada.logIn();
  await ada.sees("Begin with a project");
  assert.equal(await ended, "DELETE");
  await ada.to("Account");
  await ada.sees("this one");
  await ada.leaves();
});

test("the page answers while a passphrase is stretched, with what is going on", async () => {
  const ada = await Person.arrive();
  await ada.toSignUp();
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

test("a lost passphrase is replaced by the recovery code, which is then replaced itself", async () => {
  const ada = await Person.withEnvironment();
  await ada.addSecret("KEPT_SECRET", "k3pt-value");
  const first = ada.code;
  await ada.press("Lock");
  const next = "another horse battery staple";
  await ada.recover(next);
  assert.notEqual(ada.code, first);
  await ada.sees("KEPT_SECRET");
  await ada.press("Lock");
  await ada.logIn();
  await ada.sees("E-mail and passphrase do not go together.");
  await ada.logIn(next);
  await ada.press("Reveal KEPT_SECRET");
  await ada.sees("k3pt-value");
  await ada.leaves(first, next, "k3pt-value", "KEPT_SECRET");
});

test("a passphrase is changed, other sessions end, and the account is deleted", async () => {
  const ada = await Person.withAccount();
  const { page } = ada;
  const other = await Person.arrive();
  other.email = ada.email;
  await other.logIn();
  await other.sees("Begin with a project");
  const next = "another horse battery staple";
  const to = () => page.getByRole("navigation").getByRole("link", { name: "Account" }).click();
  await to();
  await page.getByText("this one").waitFor();
  assert.equal(await page.getByRole("button", { name: "End", exact: true }).count(), 1);
  await ada.fill("Passphrase so far", passphrase);
  await ada.fill("New passphrase", next);
  await ada.fill("The same again", next);
  await ada.press("Change it");
  await ada.sees("The passphrase is changed.");
  await other.to("Keys");
  await other.sees("Log in again.");
  await ada.press("Delete the account…");
  await ada.fill(`Type ${ada.email}`, ada.email);
  await page.getByRole("dialog").getByLabel("Passphrase").fill(next);
  await ada.press("Delete everything");
  await ada.sees("The account is deleted");
  await ada.logIn(next);
  await ada.sees("E-mail and passphrase do not go together.");
  await other.context.close();
  await ada.leaves(next);
});

test("a page that nobody uses locks itself and forgets", async () => {
  const ada = await Person.arrive();
  await ada.page.clock.install();
  await ada.page.reload();
  await ada.signUp();
  await ada.fill("Project", "shop");
  await ada.press("Make them");
  await ada.sees("No secrets yet");
  await ada.addSecret("SHOWN_SECRET", "sh0wn-value");
  await ada.press("Reveal SHOWN_SECRET");
  await ada.sees("sh0wn-value");
  await ada.press("Copy SHOWN_SECRET");
  await ada.sees("The clipboard is emptied");
  const copied = () => ada.page.evaluate(() => navigator.clipboard.readText());
  assert.equal(await copied(), "sh0wn-value");
  await ada.page.clock.runFor(31_000);
  assert.equal(await copied(), "");
  await ada.page.getByText("sh0wn-value").waitFor({ state: "detached" });
  await ada.page.clock.runFor(9 * 60_000);
  assert.ok(await ada.page.getByText("SHOWN_SECRET").isVisible());
  await ada.page.clock.runFor(61_000);
  await ada.sees("Locked after 10 minutes without use.");
  assert.doesNotMatch(await ada.page.content(), /SHOWN_SECRET|sh0wn-value/);
  await ada.leaves("sh0wn-value", "SHOWN_SECRET");
});
