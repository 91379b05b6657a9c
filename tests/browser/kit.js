// A browser, a person in it, and everything that leaves the page. Each flow is a file beside this one; `cargo xtask
// browser` runs them against the native vault and against workerd, each with SECURECODE_TEST_VAULT.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

export const vault = process.env.SECURECODE_TEST_VAULT ?? "http://127.0.0.1:8787";
/** The command line, as `cargo build` left it. */
export const client =
  process.env.SECURECODE_TEST_CLIENT ?? join(import.meta.dirname, "../../target/debug/securecode");
export const PROJECT = "webshop-of-ada";
export const passphrase = "correct horse battery staple";

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.SECURECODE_TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      // Tests run as root in containers; the sandbox needs what those lack.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});
after(async () => {
  for (const { page, faults } of unfinished) {
    const seen = await page.locator("body").innerText({ timeout: 2000 }).catch((error) => error.message);
    console.error(`a flow stopped at ${page.url()}, which shows:\n${seen}\n${faults.join("\n")}`);
  }
  await browser?.close();
});

/** Who has not come to the end of a flow: of one that fails, what the page showed is told. */
const unfinished = new Set();

/** Text that must never leave the page but sealed; different in each run, so that nothing else can hold it. */
export function canary(name) {
  return `canary-${name}-${randomBytes(9).toString("hex")}`;
}

/** A person with a browser of their own. */
export class Person {
  constructor(context, page) {
    Object.assign(this, { context, page, email: `p${randomBytes(8).toString("hex")}@example.com` });
    this.sent = [];
    this.faults = [];
    context.on("request", (request) => {
      this.sent.push(
        [request.method(), request.url(), JSON.stringify(request.headers()), request.postData() ?? ""].join("\n"),
      );
    });
    page.on("pageerror", (error) => this.faults.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // A refusal of the vault's is the test's own doing.
      const refusal = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !refusal) this.faults.push(`console: ${message.text()}`);
    });
    page.on("dialog", (dialog) => {
      this.faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async arrive(options = {}) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      permissions: ["clipboard-read", "clipboard-write"],
      // An address of his own, as the vault limits what one may ask without a credential.
      extraHTTPHeaders: { "cf-connecting-ip": `10.${[...randomBytes(3)].join(".")}` },
      ...options,
    });
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    const person = new Person(context, page);
    unfinished.add(person);
    context.on("close", () => unfinished.delete(person));
    await page.goto(`${vault}/`);
    return person;
  }

  /** Signs up and stands before the empty vault. */
  static async withAccount(options) {
    const person = await Person.arrive(options);
    await person.signUp();
    return person;
  }

  /** The same, with an environment to work in. */
  static async withEnvironment(options) {
    const person = await Person.withAccount(options);
    await person.fill("Project", PROJECT);
    await person.press("Make them");
    await person.sees("No secrets yet");
    return person;
  }

  /** The log-in has a field for the e-mail as well, and stands there until the link was followed. */
  async toSignUp() {
    await this.follow("Make an account");
    await this.page.getByRole("heading", { name: "Make an account" }).waitFor();
  }

  async signUp() {
    await this.toSignUp();
    await this.fill("E-mail", this.email);
    await this.fill("Passphrase", passphrase);
    await this.fill("The same again", passphrase);
    await this.press("Make the account");
    this.code = await this.confirmCode("Open the vault");
    await this.sees("Begin with a project");
  }

  /** Shows that the code is kept, and goes on. */
  async confirmCode(next) {
    const code = (await this.page.locator("output.code").innerText()).trim();
    await this.page.getByLabel("The last four characters").fill(code.slice(-4));
    await this.press(next);
    return code;
  }

  async logIn(typed = passphrase) {
    await this.fill("E-mail", this.email);
    await this.fill("Passphrase", typed);
    await this.press("Log in");
  }

  /** From the log-in, with the recovery code, to a new passphrase and the next code. */
  async recover(chosen) {
    await this.follow("Passphrase lost");
    await this.page.getByRole("heading", { name: "Recover an account" }).waitFor();
    await this.fill("Recovery code", this.code.toLowerCase().replaceAll("-", " "));
    await this.fill("New passphrase", chosen);
    await this.fill("The same again", chosen);
    await this.press("Go on");
    this.code = await this.confirmCode("Change the passphrase");
  }

  async addSecret(name, value, { tags = "", note = "" } = {}) {
    await this.press("Add");
    await this.fill("Name", name);
    await this.fill("Value", value);
    await this.fill("Tags", tags);
    await this.fill("Note", note);
    await this.press("Store");
    await this.sees(`${name} stored.`);
  }

  fill(label, text) {
    return this.page.getByLabel(label, { exact: true }).fill(text);
  }

  press(name) {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  /** To a page, by the navigation: other links may be called like it. */
  to(name) {
    return this.page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
  }

  follow(name) {
    return this.page.getByRole("link", { name, exact: true }).click();
  }

  sees(text) {
    return this.page.getByText(text).first().waitFor();
  }

  /** Nothing failed, and nothing of these left the page in a form that anybody could read. */
  async leaves(...secrets) {
    const stored = await this.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    const databases = await this.page.evaluate(async () => (await indexedDB.databases()).length);
    assert.deepEqual(this.faults, []);
    assert.equal(databases, 0, "nothing is in a database of the browser");
    assert.ok(this.sent.length > 3, "requests were captured");
    for (const secret of [passphrase, this.code, PROJECT, ...secrets].filter(Boolean)) {
      assert.ok(secret.length >= 8, `${secret} is long enough to be in nothing by chance`);
      for (const form of forms(secret)) {
        assert.ok(!this.sent.some((request) => request.includes(form)), `a request holds ${secret} as ${form}`);
        assert.ok(!stored.includes(form), `the browser’s storage holds ${secret}`);
      }
    }
    await this.context.close();
  }
}

/** A text plainly and in the encodings that a mistake would send it in: base64 at each offset, hex, percent. */
function forms(text) {
  const bytes = Buffer.from(text);
  const at = (offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64url")
      .slice(offset === 0 ? 0 : 4)
      .replace(/..$/, "");
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), bytes.toString("hex"), at(0), at(1), at(2)];
}
