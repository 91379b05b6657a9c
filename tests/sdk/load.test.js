import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  application,
  isSilent,
  machine,
  node,
  person,
  projectAt,
  proxy,
  securecode,
  set,
  startVaultAgain,
  stopVault,
  values,
} from "./kit.js";

const NAMES = Object.keys(values).sort();
const SAY_ALL = `say(Object.fromEntries(${JSON.stringify(NAMES)}.map((name) => [name, process.env[name]])));`;

test("an ES module has every secret in process.env, found by the project's file from a folder below", async () => {
  const below = join(person.project, "src/deep");
  mkdirSync(below, { recursive: true });
  const { said } = await application(`await sdk.loadEnv({ override: true }); ${SAY_ALL}`, { cwd: below });
  assert.deepEqual(said, values);
});

test("a CommonJS module does the same, with the key of the environment and no file", async () => {
  const file = join(person.project, "app.cjs");
  writeFileSync(file, `require("@securecode/sdk").loadEnv().then((done) => console.log(JSON.stringify(done)))`);
  const { said } = await node([file], { env: machine(), cwd: "/" });
  assert.deepEqual(said.loaded, NAMES);
  assert.deepEqual([said.project, said.environment, said.kept, said.leftOut], ["shop", "dev", [], []]);
});

test("both kinds of modules throw errors of the same class", async () => {
  const code = `import { createRequire } from "node:module";
    const other = createRequire(import.meta.url)("@securecode/sdk");
    console.log(JSON.stringify({ same: Object.keys(other).every((name) => other[name] === sdk[name]) }));`;
  const file = join(person.project, "same.mjs");
  writeFileSync(file, `import * as sdk from "@securecode/sdk";\n${code}`);
  assert.deepEqual((await node([file])).said, { same: true });
});

test("--import sets variables before the application's first line, and says plainly why it cannot", async () => {
  const file = join(person.project, "plain.cjs");
  writeFileSync(file, `console.log(JSON.stringify({ key: process.env.STRIPE_KEY, db: process.env.DATABASE_URL ?? null }))`);
  const words = ["--import", "@securecode/sdk/config", file];
  const { said } = await node(words, { env: { SECURECODE_LOAD_TAGS: "pay" } });
  assert.deepEqual(said, { key: values.STRIPE_KEY, db: null });
  const failed = await node(words, { env: machine({ SECURECODE_API_KEY: "sc_wrong" }) });
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^securecode: the API key is malformed.*\n {2}to do now: /);
  assert.ok(!failed.stderr.includes("    at "), "a stack is nobody's business");
});

test("variables that are set stay without override, and are replaced with it", async () => {
  const code = (options) => `const done = await sdk.loadEnv(${options}); say({ kept: done.kept, is: process.env.STRIPE_KEY });`;
  const env = { STRIPE_KEY: "mine" };
  assert.deepEqual((await application(code("{}"), { env })).said, { kept: ["STRIPE_KEY"], is: "mine" });
  assert.deepEqual((await application(code("{ override: true }"), { env })).said, { kept: [], is: values.STRIPE_KEY });
});

test("only, tags and processEnv choose what is loaded, and where to", async () => {
  const code = (options) => `const processEnv = {}; await sdk.loadEnv({ processEnv, ...${options} }); say([processEnv, process.env.STRIPE_KEY ?? null]);`;
  const { STRIPE_KEY, ...web } = values;
  for (const [options, loaded] of [
    [`{ tags: ["pay"] }`, { STRIPE_KEY }],
    [`{ tags: ["web"] }`, web],
    [`{ only: ["STRIPE_KEY"] }`, { STRIPE_KEY }],
  ]) {
    assert.deepEqual((await application(code(options))).said, [loaded, null], options);
  }
});

test("one secret is read, and all are listed without values", async () => {
  const { said } = await application(`say([await sdk.getSecret("SMTP_PASSWORD")])`);
  assert.deepEqual(said, [values.SMTP_PASSWORD]);
  const { stdout } = await application(`say(await sdk.listSecrets())`);
  isSilent(stdout);
  const listed = JSON.parse(stdout).map(({ name, tags, version, use }) => [name, tags, version, use]);
  assert.deepEqual(listed.map(([name]) => name), NAMES);
  assert.deepEqual(listed.at(-1), ["STRIPE_KEY", ["pay"], 1, "allow"]);
});

test("what is asked for wrongly is refused, each with its own code", async () => {
  for (const [call, error, code] of [
    [`loadEnv({ overide: true })`, "LocalError", "option"],
    [`loadEnv({ override: "yes" })`, "LocalError", "option"],
    [`loadEnv({ only: ["A"], tags: ["b"] })`, "LocalError", "option"],
    [`loadEnv({ only: ["STRIPE_KEY", "ABSENT"] })`, "RefusedError", "absent"],
    [`loadEnv({ tags: ["absent"] })`, "RefusedError", "absent"],
    [`loadEnv({ environment: "staging" })`, "RefusedError", "environment_out_of_scope"],
    [`loadEnv({ environment: "a/b" })`, "LocalError", "key_malformed"],
    [`loadEnv({ minManifest: 1000 })`, "DistrustedError", "distrusted"],
    [`getSecret("ABSENT")`, "RefusedError", "absent"],
  ]) {
    const { said } = await application(`await sdk.${call}; say({});`);
    assert.deepEqual([said.error, said.code], [error, code], call);
    assert.match(said.message, /\n {2}to do now: ./);
  }
});

test("a key, a file or an address that is wrong is refused before or by the vault", async () => {
  const wrong = `${person.key.slice(0, -1)}${person.key.endsWith("a") ? "b" : "a"}`;
  for (const [env, code] of [
    [machine({ SECURECODE_API_KEY: wrong }), "key_malformed"],
    [machine({ SECURECODE_API_KEY: "${SECURECODE_API_KEY}" }), "key_malformed"],
    [machine({ SECURECODE_VAULT_URL: "" }), "no_vault"],
    [machine({ SECURECODE_VAULT_URL: "http://vault.example.com" }), "key_malformed"],
    [machine({ SECURECODE_API_KEY: "" }), "no_key"],
  ]) {
    // A project's file must not complete what the environment lacks, save where no key is there at all.
    const cwd = code === "no_key" ? "/" : person.project;
    const { said } = await application(`await sdk.loadEnv(); say({});`, { env, cwd });
    assert.equal(said.code, code, JSON.stringify(said));
    assert.equal(said.error, "LocalError");
  }
});

test("a project's file that others can read is refused, and so is one that is not of its form", async () => {
  const folder = projectAt(person.url);
  const file = join(folder, ".securecoderc");
  const load = async () => (await application(`await sdk.loadEnv(); say({ fine: true });`, { cwd: folder })).said;
  assert.deepEqual(await load(), { fine: true });
  chmodSync(file, 0o644);
  const open = await load();
  assert.deepEqual([open.error, open.code], ["LocalError", "file_not_private"]);
  assert.ok(open.message.includes(`run: chmod 600 ${file}`));
  chmodSync(file, 0o600);
  writeFileSync(file, `${readFileSync(file, "utf8")}colour = "red"\n`);
  const odd = await load();
  assert.equal(odd.code, "file_malformed");
  assert.match(odd.message, /near line 4/);
});

test("a key that lies out of the project is found by its id", async () => {
  const folder = projectAt(person.url);
  const id = JSON.parse(await securecode("keys", "list", "--json"))[0].id;
  mkdirSync(join(person.home, "keys"), { recursive: true, mode: 0o700 });
  writeFileSync(join(person.home, "keys", id), person.key, { mode: 0o600 });
  writeFileSync(join(folder, ".securecoderc"), `key = "${id}"\nvault_url = "${person.url}"\n`);
  const { said } = await application(`say((await sdk.loadEnv()).loaded)`, { cwd: folder });
  assert.deepEqual(said, NAMES);
  // Whoever wrote the project's file may know the id of a key: it goes to the vault that it is kept for alone.
  const elsewhere = `key = "${id}"\nvault_url = "http://127.0.0.1:1"\n`;
  for (const [recorded, file] of [
    [`${person.url}\n`, elsewhere],
    [null, `${elsewhere}audience = "${person.url}"\n`],
  ]) {
    const beside = join(person.home, "keys", `${id}.vault`);
    rmSync(beside, { force: true });
    if (recorded !== null) writeFileSync(beside, recorded, { mode: 0o600 });
    writeFileSync(join(folder, ".securecoderc"), file);
    const { said: refused } = await application(`await sdk.loadEnv()`, { cwd: folder });
    assert.equal(refused.code, "vault_mismatch");
  }
  writeFileSync(join(folder, ".securecoderc"), `key = "../account.toml"\nvault_url = "${person.url}"\n`);
  const { said: escaped } = await application(`await sdk.loadEnv()`, { cwd: folder });
  assert.equal(escaped.code, "file_malformed");
});

test("what an agent starts goes on with what the guard gave it, where the key is kept from agents", async () => {
  const folder = projectAt(person.url);
  const id = JSON.parse(await securecode("keys", "list", "--json"))[0].id;
  writeFileSync(join(folder, ".securecoderc"), `key = "${id}"\nvault_url = "${person.url}"\n`);
  const env = { CLAUDECODE: "1", STRIPE_KEY: "from-the-guard" };
  const { said, stderr } = await application(
    `const { loaded } = await sdk.loadEnv({ override: true }); say([loaded, process.env.STRIPE_KEY])`,
    { cwd: folder, env },
  );
  assert.deepEqual(said, [[], "from-the-guard"]);
  assert.match(stderr, /SECURECODE_AGENT.*source FILE/s);
  const { said: refused } = await application(`await sdk.getSecret("STRIPE_KEY")`, { cwd: folder, env });
  assert.equal(refused.code, "agent");
});

test("a key of the environment goes to the person's own vault, whatever a project's file says", async () => {
  const cwd = projectAt("http://127.0.0.1:1");
  const load = (env) => application(`say((await sdk.loadEnv({ retries: 0 })).loaded)`, { cwd, env });
  assert.equal((await load({})).said.code, "unreachable");
  // The person's `account.toml`.
  assert.deepEqual((await load({ SECURECODE_API_KEY: person.key })).said, NAMES);
  const env = machine({ SECURECODE_VAULT_URL: "" });
  assert.equal((await load(env)).said.code, "no_vault");
  mkdirSync(join(env.HOME, ".config/securecode"), { recursive: true });
  writeFileSync(join(env.HOME, ".config/securecode/config.toml"), `vault_url = "${person.url}"\n`);
  assert.deepEqual((await load(env)).said, NAMES);
});

test("a token for another vault's address is worthless at this one", async () => {
  const between = await proxy((answer) => answer);
  const env = machine({ SECURECODE_VAULT_URL: between.url });
  const { said } = await application(`await sdk.loadEnv()`, { env });
  assert.deepEqual([said.error, said.code], ["RefusedError", "unauthenticated"]);
  between.close();
});

test("odd names and values do no harm: one that is no text, one that JavaScript knows, an empty one", async () => {
  await set("BINARY", Buffer.from([0xff, 0xfe, 0x41]), "odd");
  await set("__proto__", "its value", "odd");
  await set("EMPTY", "", "odd");
  const { said } = await application(
    `const processEnv = {}; const { loaded, leftOut } = await sdk.loadEnv({ tags: ["odd"], processEnv });
     say([loaded, leftOut.map(({ name }) => name), Object.getOwnPropertyDescriptor(processEnv, "__proto__").value, processEnv.EMPTY]);`,
  );
  assert.deepEqual(said, [["EMPTY", "__proto__"], ["BINARY"], "its value", ""]);
  assert.equal((await application(`await sdk.getSecret("BINARY")`)).said.code, "not_text");
  for (const name of ["BINARY", "__proto__", "EMPTY"]) await securecode("rm", name);
});

test("what an owner laid down is obeyed: left out with a warning, refused where it is named", async () => {
  const laidDown = [
    ["BLOCKED", "blocked", ["policy", "BLOCKED", "--use", "block"]],
    ["ASKED", "asks", ["policy", "ASKED", "--use", "ask"]],
    ["PSQL_ONLY", "other_commands", ["policy", "PSQL_ONLY", "--command", "psql"]],
    ["RULED", "blocked", ["policy", "--tag", "ruled", "--use", "block"]],
  ];
  for (const [name, , words] of laidDown) {
    await set(name, `canary-${name}`, "laid-down", ...(name === "RULED" ? ["ruled"] : []));
    await securecode(...words);
  }
  await set("NODE_ONLY", "canary-node", "laid-down");
  await securecode("policy", "NODE_ONLY", "--command", "node");
  const { said, stderr } = await application(
    `const { loaded, leftOut } = await sdk.loadEnv({ tags: ["laid-down"] }); say([loaded, leftOut.map(({ name }) => name).sort()]);`,
  );
  assert.deepEqual(said, [["NODE_ONLY"], laidDown.map(([name]) => name).sort()]);
  assert.match(stderr, /SECURECODE_LEFT_OUT.*left out: /);
  for (const [name, code] of laidDown) {
    const asked = (await application(`await sdk.loadEnv({ only: ["NODE_ONLY", "${name}"] });`)).said;
    assert.deepEqual([asked.error, asked.code], ["RefusedError", code], name);
    assert.equal((await application(`await sdk.getSecret("${name}");`)).said.code, code, name);
  }
  await securecode("policy", "--tag", "ruled", "--remove");
  for (const name of ["NODE_ONLY", ...laidDown.map(([one]) => one)]) await securecode("rm", name);
});

test("a name that could take over a tool needs a person's leave on this machine; a canary is nowhere", async () => {
  await securecode("canary", "TRAP");
  // The client asks the same of a person, whose leave is in the person's home alone.
  await securecode("set", "NODE_REPL_X", "--generate", "--allow-name");
  const code = `const { loaded, leftOut } = await sdk.loadEnv(); say([loaded, leftOut.map(({ name }) => name)]);`;
  assert.deepEqual((await application(code, { env: machine() })).said, [NAMES, ["NODE_REPL_X"]]);
  assert.deepEqual((await application(code)).said, [["NODE_REPL_X", ...NAMES].sort(), []]);
  assert.equal((await application(`await sdk.getSecret("TRAP")`)).said.code, "absent");
  await securecode("rm", "NODE_REPL_X");
});

test("an answer that was tampered with is not believed, and nothing of it is used", async () => {
  const flip = (text) => text.slice(0, 40) + (text[40] === "A" ? "B" : "A") + text.slice(41);
  const forms = {
    "a value": (bundle) => (bundle.secrets[0].value = flip(bundle.secrets[0].value)),
    "two values": ({ secrets: [one, two] }) => ([one.value, two.value] = [two.value, one.value]),
    "a secret less": (bundle) => bundle.secrets.pop(),
    "a secret twice": (bundle) => bundle.secrets.push(bundle.secrets[0]),
    "the root": (bundle) => (bundle.root.blob = flip(bundle.root.blob)),
    "another version": (bundle) => bundle.root.version++,
    "a canary": (bundle) => bundle.canaries.pop(),
    "the key": (bundle) => (bundle.environment.key = flip(bundle.environment.key)),
    "another generation": (bundle) => bundle.environment.generation++,
    "another form": (bundle) => delete bundle.root,
  };
  let form;
  const between = await proxy((answer) => {
    const bundle = JSON.parse(answer.body);
    form?.(bundle);
    return { ...answer, body: JSON.stringify(bundle) };
  });
  const cwd = projectAt(between.url);
  const offline = join(cwd, "offline");
  const load = `await sdk.loadEnv({ offline: ${JSON.stringify(offline)} }); say({ fine: true })`;
  assert.deepEqual((await application(load, { cwd })).said, { fine: true });
  for (const [what, change] of Object.entries(forms)) {
    form = change;
    const { said } = await application(
      `try { ${load} } catch (error) { say({ error: error.name, set: ${JSON.stringify(NAMES)}.filter((name) => name in process.env) }) }`,
      { cwd },
    );
    assert.deepEqual(said, { error: "DistrustedError", set: [] }, what);
  }
  between.close();
});

test("rules that the vault keeps back are missed", async () => {
  await securecode("policy", "--tag", "pay", "--use", "block");
  const served = [];
  const between = await proxy((answer) => {
    served.push(answer.body);
    const rules = JSON.parse(answer.body);
    return { ...answer, body: served.length === 1 ? answer.body : JSON.stringify({ ...rules, rules: null }) };
  }, "/rules");
  const cwd = projectAt(between.url);
  const load = () => application(`say((await sdk.loadEnv()).leftOut.map(({ name }) => name))`, { cwd });
  assert.deepEqual((await load()).said, ["STRIPE_KEY"]);
  assert.equal((await load()).said.error, "DistrustedError");
  await securecode("policy", "--tag", "pay", "--remove");
  between.close();
});

test("an older state than this machine has seen is not believed", async () => {
  let older;
  const between = await proxy((answer) => ({ ...answer, body: (older ??= answer.body) }));
  const cwd = projectAt(between.url);
  const load = () => application(`say((await sdk.loadEnv()).loaded)`, { cwd });
  assert.deepEqual((await load()).said, NAMES);
  await set("STRIPE_KEY", values.STRIPE_KEY, "pay");
  // The client's own pin is the one that counts: it has seen the newer state.
  const { said } = await load();
  assert.equal(said.error, "DistrustedError");
  assert.match(said.message, /~\/\.securecode\/pins/);
  between.close();
});

test("a slow, refusing or wandering server is met with patience that ends", async () => {
  let answers = [];
  let asked = 0;
  const between = await proxy(async (answer) => {
    const next = answers[asked++];
    return next === undefined ? answer : { headers: {}, body: "words of a gateway", ...next };
  });
  const cwd = projectAt(between.url);
  const load = (options) => application(`say((await sdk.loadEnv(${options ?? ""})).loaded)`, { cwd });
  const tryOut = async (script, options) => {
    [answers, asked] = [script, 0];
    return { said: (await load(options)).said, asked };
  };
  assert.deepEqual(await tryOut([{ status: 502 }, { status: 503 }]), { said: NAMES, asked: 3 });
  const begun = Date.now();
  assert.deepEqual(await tryOut([{ status: 429, headers: { "retry-after": "2" } }]), { said: NAMES, asked: 2 });
  assert.ok(Date.now() - begun >= 2000, "it did not wait as long as it was asked to");
  const long = await tryOut([{ status: 503, headers: { "retry-after": "600" } }]);
  assert.deepEqual([long.said.error, long.asked], ["UnreachableError", 1]);
  const away = await tryOut([{ status: 302, headers: { location: "http://127.0.0.1:1/" } }]);
  assert.deepEqual([away.said.code, away.asked], ["no_vault_there", 1]);
  const page = await tryOut([{ status: 200, headers: { "content-type": "text/html" } }]);
  assert.deepEqual([page.said.code, page.asked], ["no_vault_there", 1]);
  assert.ok(![long, away, page].some(({ said }) => said.all.includes("words of a gateway")));
  const never = new Promise(() => {});
  const slow = await proxy(() => never);
  const { said } = await application(`await sdk.loadEnv({ timeoutMs: 300, retries: 1 })`, { cwd: projectAt(slow.url) });
  assert.equal(said.code, "unreachable");
  assert.match(said.message, /does not answer in time/);
  between.close();
  slow.close();
});

test("a key that is revoked stops at once, the offline file notwithstanding", async () => {
  const made = JSON.parse(await securecode("keys", "create", "--environment", "dev", "--json"));
  const offline = join(person.folder, "offline-revoked");
  const env = machine({ SECURECODE_API_KEY: made.key });
  const load = () => application(`say((await sdk.loadEnv({ offline: ${JSON.stringify(offline)} })).loaded)`, { env });
  assert.deepEqual((await load()).said, NAMES);
  assert.ok(existsSync(offline));
  await securecode("keys", "revoke", made.id);
  const { said } = await load();
  assert.deepEqual([said.error, said.code], ["RefusedError", "key_revoked"]);
});

test("a key for several environments needs one named", async () => {
  await securecode("environments", "create", "--project", "shop", "staging");
  const words = ["--environment", "dev", "--environment", "staging", "--json"];
  const { key } = JSON.parse(await securecode("keys", "create", ...words));
  const env = machine({ SECURECODE_API_KEY: key });
  const load = (options) => application(`const { environment, loaded } = await sdk.loadEnv(${options}); say([environment, loaded])`, { env });
  assert.equal((await load("")).said.code, "environment_ambiguous");
  assert.deepEqual((await load(`{ environment: "dev" }`)).said, ["dev", NAMES]);
  assert.deepEqual((await load(`{ environment: "staging" }`)).said, ["staging", []]);
});

test("with the vault down the offline file serves, sealed and private; without it there is an error", async () => {
  const offline = join(person.folder, "offline");
  const env = machine();
  await securecode("policy", "--tag", "pay", "--reveal", "ask");
  const load = (more = "") =>
    application(
      `const done = await sdk.loadEnv({ retries: 1, offline: { path: ${JSON.stringify(offline)} ${more} } }); say({ all: ${JSON.stringify(NAMES)}.map((name) => process.env[name]), since: done.offlineSince });`,
      { env },
    );
  assert.equal((await load()).said.since, null);
  assert.equal(statSync(offline).mode & 0o777, 0o600);
  const text = readFileSync(offline, "utf8");
  for (const clear of [...NAMES, ...Object.values(values), "shop", person.key]) {
    for (const form of [clear, Buffer.from(clear).toString("base64").replace(/.{0,2}=*$/, "")]) {
      assert.ok(!text.includes(form), "something stands in the offline file in clear");
    }
  }
  await stopVault();
  try {
    const { said, stderr } = await load();
    assert.deepEqual(said.all, NAMES.map((name) => values[name]));
    assert.ok(!Number.isNaN(Date.parse(said.since)));
    assert.match(stderr, /SECURECODE_OFFLINE\].*cannot be reached: nothing listens.*is used instead/);
    const none = await application(`await sdk.loadEnv({ retries: 1 })`, { env });
    assert.deepEqual([none.said.error, none.said.code], ["UnreachableError", "unreachable"]);
    const old = await load(", maxAgeMs: 1");
    assert.equal(old.said.error, "UnreachableError");
    assert.match(old.said.message, /older than it may be/);
    // Somebody altered it.
    const { secrets } = JSON.parse(JSON.parse(text).bundle);
    const at = text.indexOf(secrets[0].value) + 60;
    writeFileSync(offline, text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1));
    const altered = await load();
    assert.equal(altered.said.error, "DistrustedError");
    assert.match(altered.said.message, /somebody altered the offline file/);
    const { rules, ...kept } = JSON.parse(text);
    const mixed = JSON.parse(rules);
    mixed.environment.generation++;
    for (const other of [null, JSON.stringify(mixed)]) {
      writeFileSync(offline, JSON.stringify({ ...kept, rules: other }));
      assert.equal((await load()).said.error, "DistrustedError");
    }
    chmodSync(offline, 0o644);
    assert.match((await load()).said.message, /can be read by others/);
  } finally {
    await startVaultAgain();
  }
});
