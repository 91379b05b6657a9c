import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, passphrase } from "./kit.js";

/** Answers of the vault as it gave them, changed on their way, as a vault could that is not honest. */
class Between {
  constructor(person) {
    Object.assign(this, { person, kept: new Map(), change: null });
  }

  static async of(person) {
    const between = new Between(person);
    await person.context.route("**/v1/**", async (route) => {
      const request = route.request();
      const path = new URL(request.url()).pathname;
      if (between.change === "cut") return route.abort();
      const response = await route.fetch();
      let body = await response.text();
      if (between.change && response.ok()) body = between.change(path, body) ?? body;
      else between.kept.set(`${request.method()} ${path}`, body);
      await route.fulfill({ response, body });
    });
    return between;
  }

  edit(pattern, edit) {
    this.change = (path, body) => {
      if (!pattern.test(path)) return undefined;
      const parsed = JSON.parse(body);
      return JSON.stringify(edit(parsed) ?? parsed);
    };
  }
}

const list = /^\/v1\/environments\/[0-9a-f]{32}\/secrets$/;
const loud = (person) => person.page.locator(".told-loud").filter({ hasText: "nothing of it is used" }).first().waitFor();
const reload = async (person) => {
  await person.to("Account");
  await person.to("Secrets");
};

test("an older state, a secret left out or put in, and one for another are noticed, said loudly, and not used", async () => {
  const ada = await Person.withEnvironment();
  const between = await Between.of(ada);
  await ada.addSecret("FIRST_SECRET", "value-one");
  await ada.addSecret("OTHER_SECRET", "value-two");
  const older = [...between.kept].filter(([asked]) => list.test(asked.slice(4))).at(-1)[1];
  await ada.addSecret("THIRD_SECRET", "value-three");

  between.change = (path) => (list.test(path) ? older : undefined);
  await reload(ada);
  await loud(ada);

  // A write that the vault says it has, and then knows nothing of.
  between.change = null;
  await reload(ada);
  await ada.sees("THIRD_SECRET");
  let acknowledged = false;
  const now = [...between.kept].filter(([asked]) => list.test(asked.slice(4))).at(-1)[1];
  between.change = (path) => {
    acknowledged ||= path.endsWith("/changes");
    return acknowledged && list.test(path) ? now : undefined;
  };
  await ada.press("Add");
  await ada.fill("Name", "FORGOTTEN_SECRET");
  await ada.fill("Value", "value-four");
  await ada.press("Store");
  await loud(ada);
  await ada.press("Cancel");

  between.edit(list, (listing) => void listing.items.pop());
  await reload(ada);
  await loud(ada);

  between.edit(list, (listing) => void listing.items.push(listing.items[0]));
  await reload(ada);
  await loud(ada);

  between.edit(list, (listing) => {
    [listing.items[0].name, listing.items[1].name] = [listing.items[1].name, listing.items[0].name];
  });
  await reload(ada);
  await loud(ada);

  between.edit(/\/secrets\/[0-9a-f]{32}$/, (read) => void (read.secret = null));
  await ada.press("Reveal FIRST_SECRET");
  await loud(ada);

  between.change = null;
  await reload(ada);
  await ada.press("Reveal FIRST_SECRET");
  await ada.sees("value-one");
  await ada.leaves("FIRST_SECRET", "value-one");
});

test("an account that is older than what this browser saw is refused, also at the next log-in", async () => {
  const ada = await Person.withAccount();
  const between = await Between.of(ada);
  await ada.press("Lock");
  await ada.logIn();
  await ada.sees("Begin with a project");
  const before = JSON.parse(between.kept.get("POST /v1/sessions")).manifest;
  await ada.fill("Project", "webshop-of-ada");
  await ada.press("Make them");
  await ada.sees("No secrets yet");
  await ada.press("Lock");
  between.edit(/^\/v1\/sessions$/, (account) => void (account.manifest = before));
  await ada.logIn();
  await loud(ada);
  between.change = null;
  await ada.logIn();
  await ada.sees("No secrets yet");
  await ada.leaves();
});

test("a vault that asks for a weak or monstrous stretching of the passphrase gets nothing", async () => {
  const ada = await Person.withAccount();
  const between = await Between.of(ada);
  await ada.press("Lock");
  for (const weak of [{ memory_kib: 1024 }, { passes: 1 }, { memory_kib: 1 << 22 }]) {
    between.edit(/^\/v1\/prelogin$/, (kdf) => void Object.assign(kdf, weak));
    ada.sent.length = 0;
    await ada.logIn(passphrase);
    await loud(ada);
    // The end of the session before may still be on its way; it is a DELETE.
    const logIns = ada.sent.filter((request) => request.startsWith("POST") && request.includes("/v1/sessions\n"));
    assert.deepEqual(logIns, []);
    await ada.page.reload();
  }
  await ada.context.close();
});

test("a key that the owner did not make, or revoked, is told of", async () => {
  const ada = await Person.withEnvironment();
  const between = await Between.of(ada);
  const { page } = ada;
  await ada.to("Keys");
  await ada.press("Make a key");
  await ada.fill("Name", "ci");
  await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
  await ada.press("I have it");
  await ada.sees("never used");
  between.edit(/^\/v1\/keys$/, (keys) => void keys.items.push({ ...keys.items[0], id: "ab".repeat(16) }));
  await reload(ada);
  await ada.to("Keys");
  await ada.sees("your own record does not have it");
  await ada.context.close();
});

test("without the vault the page says so, keeps what was typed, and goes on when it is back", async () => {
  const ada = await Person.withEnvironment();
  const between = await Between.of(ada);
  await ada.press("Add");
  await ada.fill("Name", "TYPED_ONCE");
  await ada.fill("Value", "typed-value");
  between.change = "cut";
  await ada.press("Store");
  await ada.sees("The vault cannot be reached.");
  between.change = null;
  await ada.press("Store");
  await ada.sees("TYPED_ONCE stored.");
  await ada.leaves("TYPED_ONCE", "typed-value");
});

test("the audit log is verified here, and one that was edited, cut or rolled back is found", async () => {
  const ada = await Person.withEnvironment();
  const between = await Between.of(ada);
  await ada.addSecret("SOME_SECRET", "some-value");
  await ada.press("Reveal SOME_SECRET");
  await ada.sees("some-value");
  await ada.to("Activity");
  await ada.press("Verify");
  await ada.sees("rows from its first on");
  await ada.press("Verify");
  await ada.sees("rows since it was verified here before");

  between.edit(/^\/v1\/audit\/rows$/, (page) => {
    page.items[0].entry = page.items[0].entry.replace('"allowed"', '"refused"');
  });
  await ada.press("Verify");
  await ada.sees(/edited: row \d+ does not say what it said/);
  between.edit(/^\/v1\/audit\/rows$/, (page) => void page.items.splice(1));
  await ada.press("Verify");
  await ada.sees(/truncated: the log ends with row \d+/);
  between.edit(/^\/v1\/audit\/segments$/, (segments) => void (segments.items &&= []));
  await ada.press("Verify");
  await ada.sees(/rolled back: segment \d+ was verified before/);
  between.change = null;
  await ada.press("Verify");
  await ada.sees("rows since it was verified here before");
  await ada.leaves("SOME_SECRET", "some-value");
});
