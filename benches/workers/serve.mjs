// serve.mjs STORAGE READ_SQL WORKER...: these Workers in one workerd, each at a port of its own without a proxy before it,
// on one D1. Prints where they are as a line of JSON; ends when its input does.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { Miniflare, Log, LogLevel } = createRequire(`${root}tests/tools/node_modules/wrangler/package.json`)("miniflare");
const [storage, readSql, ...names] = process.argv.slice(2);

const module = (type, path) => ({ type, path, contents: readFileSync(path) });
const scripts = {
  vault: () => [module("ESModule", `${root}build/index.js`), module("CompiledWasm", `${root}build/index_bg.wasm`)],
  javascript: () => [
    module("ESModule", `${root}benches/workers/javascript.js`),
    { type: "Text", path: `${root}benches/workers/read.sql`, contents: readFileSync(readSql) },
  ],
  trivial: () => [module("ESModule", `${root}benches/workers/trivial.js`)],
};
const keys = { PEPPER: randomBytes(32).toString("base64url"), COLUMN_KEY: randomBytes(32).toString("base64url") };

const workers = new Miniflare({
  log: new Log(LogLevel.ERROR),
  host: "127.0.0.1",
  port: 0,
  cf: false,
  // The vault's line for each request is written, and read by nobody.
  handleRuntimeStdio: (output, errors) => {
    output.resume();
    errors.resume();
  },
  defaultPersistRoot: `${storage}/v3`,
  workers: names.map((name) => ({
    name,
    compatibilityDate: "2026-04-01",
    modulesRoot: root,
    modules: scripts[name](),
    bindings: keys,
    // The ids are those of wrangler.toml, under which wrangler made the database.
    d1Databases: { DB: "00000000-0000-0000-0000-000000000000" },
    kvNamespaces: { BLOBS: "00000000000000000000000000000000" },
    ratelimits: { STRANGERS: { simple: { limit: 60, period: 60 } } },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  })),
});
await workers.ready;
const urls = await Promise.all(names.map(async (name) => [name, (await workers.unsafeGetDirectURL(name)).origin]));
console.log(JSON.stringify(Object.fromEntries(urls)));

// Without this workerd would outlive it.
let ending;
const end = () => (ending ??= workers.dispose().then(() => process.exit(0)));
process.stdin.resume();
process.stdin.on("end", end);
process.on("SIGTERM", end);
