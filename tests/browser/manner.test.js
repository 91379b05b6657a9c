import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Person } from "./kit.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds that would keep somebody out. */
async function barriers(person, where) {
  // By the debugger, as the page's own policy runs no such text.
  const session = await person.context.newCDPSession(person.page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations))",
    awaitPromise: true,
    returnByValue: true,
  });
  return JSON.parse(result.value)
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${where}: ${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 768, 1280]) {
    test(`axe finds nothing serious on any page, ${colorScheme}, ${width} px wide, and nothing is wider than the screen`, async () => {
      const found = [];
      const ada = await Person.arrive({ colorScheme, viewport: { width, height: 800 } });
      const { page } = ada;
      const shots = process.env.SECURECODE_TEST_SHOTS;
      const look = async (where) => {
        await page.waitForTimeout(150);
        if (shots) await page.screenshot({ path: `${shots}/${where}-${width}-${colorScheme}.png` });
        found.push(...(await barriers(ada, where)));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) found.push(`${where}: ${wide} px too wide`);
      };
      await look("login");
      await ada.toSignUp();
      await look("signup");
      await ada.fill("E-mail", ada.email);
      await ada.fill("Passphrase", "correct horse battery staple");
      await ada.fill("The same again", "correct horse battery staple");
      await ada.press("Make the account");
      await page.locator("output.code").waitFor();
      await look("recovery-code");
      await ada.confirmCode("Open the vault");
      await ada.sees("Begin with a project");
      await look("first");
      await ada.fill("Project", "shop");
      await ada.press("Make them");
      await ada.sees("No secrets yet");
      await look("empty");
      await ada.addSecret("DATABASE_URL", "postgres://shop:s3cret@db.example/shop", {
        tags: "production, db",
        note: "Read replica of the shop; rotated each quarter",
      });
      await ada.addSecret("A_NAME_THAT_IS_AS_LONG_AS_NAMES_OF_THE_LARGER_CLOUD_PROVIDERS_TEND_TO_BE", "v");
      await ada.addSecret("STRIPE_KEY", "sk_test_1", { tags: "billing" });
      await look("secrets");
      await ada.press("Add");
      await look("add");
      await ada.press("Cancel");
      await ada.follow("DATABASE_URL");
      await look("secret");
      await ada.press("Policy");
      await look("policy");
      await ada.press("Close");
      const to = (name) => ada.to(name);
      await to("Import");
      await page.getByLabel("Files to import").setInputFiles({
        name: ".env",
        mimeType: "text/plain",
        buffer: Buffer.from("STRIPE_KEY=sk_test_1\nDATABASE_URL=other\nSENTRY_DSN=https://x@sentry.example/1\nbad line\n"),
      });
      await ada.sees("Nothing is stored yet");
      await look("import");
      await to("Keys");
      await ada.sees("No keys yet");
      await ada.press("Make a key");
      await look("make-key");
      await ada.fill("Name", "ci");
      await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
      await page.locator("output.code").waitFor();
      await look("key");
      await ada.press("I have it");
      await ada.sees("never used");
      await look("keys");
      await to("Activity");
      await page.locator(".timeline li").first().waitFor();
      await look("activity");
      await to("Projects");
      await look("projects");
      await to("Account");
      await ada.sees("Reads today");
      await look("account");
      assert.deepEqual(found, []);
      assert.deepEqual(ada.faults, []);
      await ada.context.close();
    });
  }
}

test("everything is reached and done by the keyboard alone", async () => {
  const ada = await Person.withEnvironment();
  const { page } = ada;
  const reach = async (name, role = "button") => {
    const wanted = page.getByRole(role, { name, exact: true }).first();
    for (let presses = 0; presses < 60; presses++) {
      if (await wanted.evaluate((one) => one === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`Tab does not reach ${name}`);
  };
  await reach("Add");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("BY_KEYBOARD");
  await page.keyboard.press("Tab");
  await page.keyboard.type("v4lue-typed");
  await reach("Store");
  await page.keyboard.press("Enter");
  await ada.sees("BY_KEYBOARD stored.");
  await reach("Reveal BY_KEYBOARD");
  await page.keyboard.press("Enter");
  await ada.sees("v4lue-typed");
  await reach("BY_KEYBOARD", "link");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await ada.leaves("v4lue-typed", "BY_KEYBOARD");
});
