import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, canary } from "./kit.js";

const file = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

test("a file is looked through, and stored when its person says so", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  const [one, two, three] = [canary("one"), canary("two"), canary("three")];
  await ada.addSecret("SAME", one);
  await ada.addSecret("CHANGED", "before");
  await ada.to("Import");
  await page
    .getByLabel("Files to import")
    .setInputFiles([
      file(".env", `SAME=${one}\nCHANGED="${two}\nsecond line"\nNEW=${three}\nnonsense here\n`),
      file("more.json", `{"PORT": 8080, "RATE": 1.50, "NESTED": {"a": 1}}`),
    ]);
  await ada.sees("3 new, 1 changed, 1 the same, 2 invalid. Nothing is stored yet.");
  await ada.sees("it is neither `NAME=value`, nor a comment, nor blank");
  for (const value of [one, two, three]) assert.equal(await page.getByText(value).count(), 0, "values stay hidden");
  assert.ok(await page.getByRole("button", { name: "Store 4" }).isDisabled(), "bad lines need a word of the person’s");
  await ada.fill("Tags for all of them", "imported");
  await page.getByLabel("Tags for all of them").press("Tab");
  await ada.sees("3 new, 2 changed, 0 the same, 2 invalid");
  await page.getByLabel("Store the 5 that are good and fit, and leave out 2").check();
  await ada.press("Store 5");
  await ada.sees("5 secrets stored.");
  await ada.sees("5 secrets");
  await ada.press("Reveal CHANGED");
  await ada.sees("second line");
  await ada.press("Reveal RATE");
  await ada.sees("1.50");
  await ada.press("Reveal NEW");
  await ada.sees(three);
  assert.equal(await page.locator(".item .tag", { hasText: "imported" }).count(), 5);
  await ada.leaves(one, two, three, "second line");
});

test("of sixty lines the free plan’s fifty are named before anything is stored", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  const value = canary("bulk");
  const lines = Array.from({ length: 60 }, (_, at) => `NAME_${String(at + 1).padStart(2, "0")}=${value}-${at}`);
  await ada.to("Import");
  await page.getByText("Paste instead").click();
  await page.getByLabel("NAME=value lines, or JSON").fill(lines.join("\n"));
  await ada.press("Look through it");
  await ada.sees("50 new, 0 changed, 0 the same, 10 that do not fit the plan. Nothing is stored yet.");
  assert.ok(!ada.sent.some((request) => request.includes("/changes")), "nothing was stored");
  assert.equal(await page.locator(".item", { hasText: "no room" }).first().locator(".item-name .mono").innerText(), "NAME_51");
  await page.getByLabel("Store the 50 that are good and fit, and leave out 10").check();
  await ada.press("Store 50");
  await ada.sees("50 secrets stored.");
  await ada.press("Reveal NAME_50");
  await ada.sees(`${value}-49`);

  await ada.press("Add");
  await ada.fill("Name", "ONE_TOO_MANY");
  await ada.fill("Value", value);
  await ada.press("Store");
  await ada.sees("The plan’s limit of secrets is reached, so nothing was stored.");
  await ada.leaves(value, "ONE_TOO_MANY");
});
