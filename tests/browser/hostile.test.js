import assert from "node:assert/strict";
import { test } from "node:test";
import { Person, vault } from "./kit.js";
import { injections } from "./injections.js";

test("500 strings that would run elsewhere are text here, in names of files, notes and what the audit log says", async () => {
  const ada = await Person.withEnvironment({ userAgent: injections[0] });
  const { page } = ada;
  const all = injections;
  assert.ok(all.length >= 500, `${all.length} strings`);
  await page.evaluate(() => {
    globalThis.ran = [];
    globalThis.alert = (what) => globalThis.ran.push(String(what));
    document.addEventListener("securitypolicyviolation", (event) => globalThis.ran.push(event.violatedDirective));
  });
  // Twelve strings a note, as a secret's note holds a kilobyte; each secret's value holds all of them.
  const notes = [];
  for (let at = 0; at < all.length; ) {
    let note = "";
    while (at < all.length && Buffer.byteLength(note + all[at]) < 1000) note += `${all[at++]}\u2003`;
    notes.push(note);
  }
  assert.ok(notes.length <= 49, `${notes.length} secrets are enough for all`);
  const everything = all.join("\u2003");
  for (const [at, note] of notes.entries()) await ada.addSecret(`N${at}`, at === 0 ? everything : "v", { note });
  const shown = (await page.locator(".item .hint").allInnerTexts()).join("\n");
  for (const text of all) assert.ok(shown.includes(text.replace(/\s+/g, " ").trim()), `${text} is shown as it is`);
  await ada.press("Reveal N0");
  await page.locator("output.shown").waitFor();
  await page.getByPlaceholder("Search by name or note").fill(all[3]);
  await ada.to("Import");
  await page.getByLabel("Files to import").setInputFiles(
    all.slice(0, 40).map((text, at) => ({
      name: `${text.replaceAll("/", "∕").slice(0, 200)}${at}`,
      mimeType: "text/plain",
      buffer: Buffer.from(`${text}\n`),
    })),
  );
  await ada.sees("Nothing is stored yet");
  await ada.to("Activity");
  await page.locator(".timeline li").first().waitFor();
  const said = await page.locator(".timeline").innerText();
  assert.ok(said.includes(injections[0].trim()), "the audit log names the browser as it called itself");
  for (const text of all.slice(0, 60)) {
    await page.evaluate((fragment) => (location.hash = fragment), `#/secret/${encodeURIComponent(text)}`);
  }
  assert.deepEqual(await page.evaluate(() => globalThis.ran), []);
  assert.equal(await page.locator("main :is(script, iframe, object, embed, img, style, link, base, meta)").count(), 0);
  await ada.leaves();
});

test("the page is served with a policy that runs nothing but its own files, and nothing hides the API", async () => {
  const page = await fetch(`${vault}/`);
  assert.equal(
    page.headers.get("content-security-policy"),
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; " +
      "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
      "trusted-types securecode",
  );
  assert.equal(page.headers.get("cache-control"), "no-cache");
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  assert.equal(page.headers.get("cross-origin-opener-policy"), "same-origin");
  const html = await page.text();
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=| on[a-z]+=/);
  for (const [, path] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
    const asset = await fetch(vault + path);
    assert.equal(asset.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.equal(asset.headers.get("content-security-policy"), page.headers.get("content-security-policy"));
  }
  assert.equal((await (await fetch(`${vault}/healthz`)).json()).status, "ok");
  assert.equal((await (await fetch(`${vault}/openapi.json`)).json()).openapi, "3.1.0");
  for (const path of ["/v1/usage", "/v1/nothing", "/nothing", "/assets/nothing.js", "/..%2f..%2fpepper", "/_headers"]) {
    const answer = await fetch(vault + path);
    assert.ok(answer.status >= 400, `${path}: ${answer.status}`);
    assert.equal(answer.headers.get("content-type"), "application/problem+json", path);
  }
});

test("the page runs no text as code, whoever asks", async () => {
  const ada = await Person.arrive();
  const outcome = await ada.page.evaluate(async () => {
    const tried = {};
    // The debugger’s own call may do what the page may not: leave it first.
    await new Promise((resolve) => setTimeout(resolve));
    const attempt = (name, act) => {
      try {
        act();
        tried[name] = "ran";
      } catch (error) {
        tried[name] = error.name;
      }
    };
    attempt("innerHTML", () => (document.createElement("div").innerHTML = "<b>x</b>"));
    attempt("worker", () => new Worker("/assets/other.js"));
    attempt("script", () => (document.createElement("script").src = "/x.js"));
    attempt("eval", () => (0, eval)("1"));
    attempt("function", () => new Function("return 1"));
    attempt("policy", () => window.trustedTypes.createPolicy("other", { createHTML: (text) => text }));
    attempt("policy again", () => window.trustedTypes.createPolicy("securecode", { createHTML: (text) => text }));
    return tried;
  });
  assert.deepEqual(Object.values(outcome).filter((one) => one === "ran"), [], JSON.stringify(outcome));
  await ada.context.close();
});
