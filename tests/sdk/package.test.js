import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { finish, install, isSilent, machine, person, root } from "./kit.js";

test("the package holds what an application needs and nothing else, and depends on nothing", async () => {
  const words = ["pack", "--dry-run", "--json"];
  const [{ files }] = JSON.parse((await finish("npm", words, { cwd: join(root, "sdk/node") })).stdout);
  const outside = files.map(({ path }) => path).filter((path) => !/^(lib|wasm)\//.test(path));
  const names = ["LICENSE", "README.md", "config.mjs", "index.d.mts", "index.d.ts", "index.js", "index.mjs", "package.json"];
  assert.deepEqual(outside.sort(), names);
  assert.ok(files.some(({ path }) => path === "wasm/sealing_js_bg.wasm"));
  const { dependencies } = JSON.parse(readFileSync(join(root, "sdk/node/package.json"), "utf8"));
  assert.equal(dependencies, undefined);
});

test("its types hold for both kinds of modules, and refuse what is misspelt", async () => {
  const use = `
    async function use(): Promise<string[]> {
      const done = await loadEnv({ override: true, tags: ["web"], processEnv: {}, offline: { path: "f", maxAgeMs: 1 } });
      const value: string = await getSecret("A", { environment: "dev" });
      // @ts-expect-error: there is no such option
      await loadEnv({ overide: true });
      try { await listSecrets(); } catch (error) { if (error instanceof RefusedError) return [error.code, value]; }
      return done.loaded;
    }
    void use;\n`;
  const names = "{ loadEnv, getSecret, listSecrets, RefusedError }";
  writeFileSync(join(person.project, "typed.mts"), `import ${names} from "@securecode/sdk";${use}`);
  writeFileSync(join(person.project, "typed.cts"), `import sdk = require("@securecode/sdk"); const ${names} = sdk;${use}`);
  const words = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "typed.mts", "typed.cts"];
  const tsc = join(root, "dashboard/node_modules/.bin/tsc");
  const { status, stdout } = await finish(tsc, words, { cwd: person.project });
  assert.equal(status, 0, stdout);
});

test("the example with Express has its secrets before it listens", async () => {
  const folder = join(person.folder, "express");
  mkdirSync(folder);
  const example = join(root, "sdk/node/examples/express");
  copyFileSync(join(example, "app.js"), join(folder, "app.js"));
  const { dependencies, ...rest } = JSON.parse(readFileSync(join(example, "package.json"), "utf8"));
  dependencies["@securecode/sdk"] = `file:${person.tarball}`;
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...rest, dependencies }));
  await install(folder, "--prefer-offline");
  const env = { PATH: process.env.PATH, PORT: "0", ...machine() };
  const child = spawn(process.execPath, ["app.js"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const lines = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.startsWith("http://")) break;
    }
    assert.deepEqual(lines[0], "3 secrets of shop/dev");
    const answer = await (await fetch(`${lines[1]}/health`)).text();
    assert.deepEqual(JSON.parse(answer), { database: true });
    isSilent(lines.join() + answer);
  } finally {
    child.kill();
  }
});
