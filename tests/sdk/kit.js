// A native vault, a person with the real client, and a project in which the package is installed as it is packed. An
// application of it is a process of its own; what it says is searched for every value and key.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { createInterface } from "node:readline";

export const root = join(import.meta.dirname, "../..");
const binary = (name) => join(root, "target/debug", name);

/** Each value of this run, which nothing but the application may say. */
export const values = {
  DATABASE_URL: `postgres://canary-${randomBytes(9).toString("hex")}@db/shop`,
  SMTP_PASSWORD: `canary ${randomBytes(9).toString("hex")} "quoted" $HOME ü`,
  STRIPE_KEY: `canary-${randomBytes(9).toString("hex")}`,
};
export const person = { folder: mkdtempSync(join(tmpdir(), "securecode-sdk-")) };

/** Runs to the end: `{status, stdout, stderr}`. */
export function finish(program, words, options, input) {
  return new Promise((done) => {
    const child = execFile(program, words, { timeout: 120_000, ...options }, (error, stdout, stderr) =>
      done({ status: error ? (error.code ?? 1) : 0, stdout, stderr }),
    );
    child.stdin.end(input);
  });
}

/** Installs packages into a folder. */
export async function install(cwd, ...words) {
  const { status, stderr } = await finish("npm", ["install", "--no-audit", "--no-fund", ...words], { cwd });
  assert.equal(status, 0, stderr);
}

let vault;
before(async () => {
  const home = join(person.folder, "home");
  person.project = join(person.folder, "shop");
  person.home = join(home, ".securecode");
  for (const folder of [home, person.project]) mkdirSync(folder);
  await startVault("127.0.0.1:0");
  const recovery = join(person.folder, "recovery");
  const email = `sdk-${randomBytes(6).toString("hex")}@example.com`;
  await securecode("signup", "--vault-url", person.url, "--email", email, "--recovery-file", recovery);
  await securecode("init", "--project", "shop");
  for (const [name, value] of Object.entries(values)) await set(name, value, name === "STRIPE_KEY" ? "pay" : "web");
  person.file = join(person.project, ".securecoderc");
  const field = (name) => new RegExp(`^${name} = "(.*)"$`, "m").exec(readFileSync(person.file, "utf8"))[1];
  person.key = field("api_key");
  const packed = await finish("npm", ["pack", "--silent", "--pack-destination", person.folder], {
    cwd: join(root, "sdk/node"),
  });
  assert.equal(packed.status, 0, packed.stderr);
  writeFileSync(join(person.project, "package.json"), "{}");
  person.tarball = join(person.folder, packed.stdout.trim());
  await install(person.project, "--offline", person.tarball);
});
after(() => {
  vault?.kill();
  vault?.stdout.destroy();
  rmSync(person.folder, { recursive: true, force: true });
});

export async function startVault(listen) {
  const words = ["serve", "--listen", listen, "--data", join(person.folder, "data")];
  vault = spawn(binary("securecode-vault"), words, { stdio: ["ignore", "pipe", "ignore"] });
  for await (const line of createInterface(vault.stdout)) {
    person.url = line.split(/\s+/)[2].replace(/,$/, "");
    break;
  }
  assert.match(person.url, /^http:\/\/127\.0\.0\.1:\d+$/);
}

export function stopVault() {
  return new Promise((done) => vault.once("exit", done).kill());
}

/** The vault again, at the address that it had. */
export const startVaultAgain = () => startVault(new URL(person.url).host);

const clean = () => ({
  PATH: process.env.PATH,
  HOME: join(person.folder, "home"),
  SECURECODE_PASSPHRASE: "a passphrase for these tests alone",
});

/** Runs the client in the project; what it printed. */
export async function securecode(...words) {
  return securecodeWith(undefined, ...words);
}

async function securecodeWith(input, ...words) {
  const { status, stdout, stderr } = await finish(
    binary("securecode"),
    words,
    { cwd: person.project, env: clean() },
    input,
  );
  assert.equal(status, 0, `securecode ${words.join(" ")}: ${stderr}`);
  return stdout;
}

export function set(name, value, ...tags) {
  return securecodeWith(value, "set", name, ...tags.flatMap((tag) => ["--tag", tag]));
}

/** The environment of a machine that has nothing but the key. */
export function machine(more = {}) {
  const home = mkdtempSync(join(person.folder, "machine-"));
  return { HOME: home, SECURECODE_API_KEY: person.key, SECURECODE_VAULT_URL: person.url, ...more };
}

let applications = 0;
/**
 * Runs an application in the project: `code` may use `sdk` and says something by `say(value)`, and what it throws is
 * said as `{error, code, message}`.
 */
export async function application(code, { env = {}, words = [], cwd = person.project } = {}) {
  const file = join(person.project, `app-${applications++}.mjs`);
  writeFileSync(
    file,
    `import * as sdk from "@securecode/sdk";
     const say = (value) => console.log(JSON.stringify(value));
     try { ${code} } catch (error) {
       say({ error: error.name, code: error.code, message: error.message, all: JSON.stringify(error) + error.stack });
     }`,
  );
  return node([...words, file], { env, cwd });
}

/** Runs Node; `said` is what it printed, one value of JSON a line. */
export async function node(words, { env = {}, cwd = person.project } = {}) {
  const { PATH, HOME } = clean();
  const output = await finish(process.execPath, words, { cwd, env: { PATH, HOME, ...env } });
  isSilent(output.stderr);
  const lines = output.stdout.split("\n").filter((line) => line.startsWith("{") || line.startsWith("["));
  const said = lines.map((line) => JSON.parse(line));
  for (const one of said) if (one.error) isSilent(JSON.stringify(one));
  return { ...output, said: said[0] };
}

/** That a text holds no value and no key. */
export function isSilent(text) {
  for (const value of [...Object.values(values), person.key, person.key.slice(3, 40)]) {
    assert.ok(!text.includes(value) && !text.includes(JSON.stringify(value).slice(1, -1)), "a value or a key was said");
  }
}

/** A proxy before the vault: `change` is given each answer of that path as `{status, headers, body}`, to alter it. */
export async function proxy(change, path = "/v1/bundle") {
  const server = createServer(async (request, response) => {
    const { authorization } = request.headers;
    const got = await fetch(person.url + request.url, { headers: { authorization } });
    const answer = { status: got.status, headers: { "content-type": "application/json" }, body: await got.text() };
    const { status, headers, body } = request.url.includes(path) ? await change(answer) : answer;
    response.writeHead(status, headers).end(body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  // A test that fails leaves it open.
  server.unref();
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** A project of its own whose `.securecoderc` sends the key there, with the vault's own audience. */
export function projectAt(url, more = "") {
  const folder = mkdtempSync(join(person.project, "at-"));
  const file = join(folder, ".securecoderc");
  writeFileSync(file, `api_key = "${person.key}"\nvault_url = "${url}"\naudience = "${person.url}"\n${more}`);
  chmodSync(file, 0o600);
  return folder;
}
