// The commands of docs/gateway.md, as they are written, at the gateway as it is built.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { finish, isSilent, person, root, securecode, values } from "../sdk/kit.js";
import { blocks } from "./blocks.js";

const dotenv = createRequire(join(root, "tests/tools/package.json"))("dotenv");
const [create, ...uses] = blocks("docs/gateway.md", "sh");

let gateway;
/** The gateway, and the key that the document has made, when they are wanted first. */
const started = () => (gateway ??= start());

async function start() {
  const words = ["--vault", person.url, "--listen", "127.0.0.1:0"];
  const child = spawn(join(root, "target/debug/securecode-gateway"), words, { stdio: ["ignore", "pipe", "pipe"] });
  const running = { child, log: "" };
  child.stderr.on("data", (text) => (running.log += text));
  for await (const line of createInterface(child.stdout)) {
    running.url = line.split(" ").at(-1);
    break;
  }
  running.key = /sc_[0-9A-Za-z]{71}/.exec(await securecode(...create.trim().split(" ").slice(1)))[0];
  return running;
}

after(async () => {
  const { child, log, key } = await started();
  child.kill();
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  isSilent(log);
  assert.ok(!log.includes(key.slice(3, 40)), "the log holds the key that the gateway was sent");
  assert.match(log, /"asked":"\/v1\/env","status":200/);
});

/** Runs a block in a folder of its own, and what follows it. */
async function run(block, then = "", more = {}) {
  const cwd = mkdtempSync(join(person.folder, "curl-"));
  const { key, url } = await started();
  const env = { PATH: "/usr/bin:/bin", SECURECODE_API_KEY: key, SECURECODE_GATEWAY_URL: url, ...more };
  return { cwd, ...(await finish("sh", ["-c", `${block}\n${then}`], { cwd, env })) };
}

const use = (word) => uses.find((block) => block.includes(word));
const dump = `"${process.execPath}" -p 'JSON.stringify(process.env)'`;

test("the document has these commands and no other", () => {
  assert.equal(uses.length, 4);
  assert.equal(new Set(["format=shell", "format=dotenv", "format=json", "/v1/secrets/"].map(use)).size, 4);
});

test("a shell has every value", async () => {
  const { stdout, stderr } = await run(use("format=shell"), dump);
  const read = JSON.parse(stdout);
  for (const [name, value] of Object.entries(values)) assert.equal(read[name], value, stderr);
  assert.equal(read.secrets, undefined);
});

test("npm's dotenv reads every value from a file that nobody else can read", async () => {
  const { cwd, stdout, stderr } = await run(use("format=dotenv"));
  assert.deepEqual([stdout, stderr], ["", ""]);
  assert.deepEqual(dotenv.parse(readFileSync(join(cwd, ".env"))), values);
  assert.equal(statSync(join(cwd, ".env")).mode & 0o777, 0o600);
});

test("JSON has those that are named", async () => {
  const { cwd } = await run(use("format=json"));
  const { STRIPE_KEY, DATABASE_URL } = values;
  assert.deepEqual(JSON.parse(readFileSync(join(cwd, "secrets.json"))), { DATABASE_URL, STRIPE_KEY });
});

test("one secret is a variable", async () => {
  const { stdout } = await run(use("/v1/secrets/"), `export SMTP_PASSWORD; ${dump}`);
  assert.equal(JSON.parse(stdout).SMTP_PASSWORD, values.SMTP_PASSWORD);
});

test("a key that may not be used there stops each of them, and is told why", async () => {
  for (const block of uses) {
    const { status, stdout, stderr } = await run(block, "echo went on", { SECURECODE_API_KEY: person.key });
    assert.notEqual(status, 0);
    assert.doesNotMatch(stdout, /went on/);
    isSilent(stdout + stderr);
    assert.match(stderr, block === use("format=shell") ? /permission_missing/ : /403/);
  }
});

test("a redirect, and an answer that breaks off, are no secrets", async (t) => {
  const answers = {
    redirect: (response) => response.writeHead(302, { location: "/login" }).end("export EVIL=1"),
    half: (response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("export EVIL='half of a value", () => response.destroy());
    },
  };
  for (const answer of Object.values(answers)) {
    const server = createServer((_, response) => answer(response));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    t.after(() => server.close());
    const url = `http://127.0.0.1:${server.address().port}`;
    for (const block of uses) {
      const done = await run(block, 'echo "went on with $EVIL"', { SECURECODE_GATEWAY_URL: url });
      assert.notEqual(done.status, 0, block);
      assert.equal(done.stdout, "", block);
      assert.doesNotMatch(done.stderr, /EVIL|half/);
    }
  }
});

test("the key is in no argument list", () => {
  for (const block of uses) assert.match(block, /^[^|]*printf [^|]*\$SECURECODE_API_KEY"\s*\|[^$]*"\$SECURECODE_GATEWAY_URL/m);
});
