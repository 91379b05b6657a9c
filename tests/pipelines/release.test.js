// What a release consists of, got as people get it: by the installer, by npm; and the workflow that makes one.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { finish, person, root } from "../sdk/kit.js";
import { parse, serve } from "./kit.js";
import { rehearse } from "./release.js";

const version = /^version = "(.*)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))[1];
const archive = `v${version}/securecode-${version}-x86_64-unknown-linux-musl.tar.gz`;

function install(releases, more = {}) {
  const home = mkdtempSync(join(person.folder, "home-"));
  const env = { HOME: home, PATH: "/usr/bin:/bin", SECURECODE_RELEASES: releases, ...more };
  return finish("sh", [join(root, "pipelines/install.sh")], { env }).then((done) => ({ ...done, home }));
}

test("the installer puts the newest version where it says, and it runs", async (t) => {
  const done = await install(await serve(await rehearse(), t));
  assert.equal(done.status, 0, done.stderr);
  const program = join(done.home, ".local/bin/securecode");
  assert.match(done.stdout, new RegExp(`securecode ${version} is in .*/.local/bin\n  to do now: put .* into PATH`));
  assert.equal((await finish(program, ["--version"], {})).stdout.trim(), `securecode ${version}`);
  assert.equal(statSync(program).mode & 0o777, 0o755);
});

test("what was replaced, or is not there, is not installed, and says so", async (t) => {
  const folder = await rehearse();
  const releases = await serve(folder, t);
  const missing = await install(releases, { SECURECODE_VERSION: "9.9.9" });
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /cannot be downloaded\n {2}to do now:/);
  appendFileSync(join(folder, archive), "x");
  const replaced = await install(releases);
  assert.equal(replaced.status, 1);
  assert.match(replaced.stderr, /is not what its checksum says/);
  assert.ok(!existsSync(join(replaced.home, ".local/bin/securecode")));
  const unmade = await install("");
  assert.match(unmade.stderr, /was not made by a release/);
});

test("an installer that a release made knows where the release lies", async (t) => {
  const folder = await rehearse();
  // As GitHub has it: each release's files below its tag, and nothing beside them.
  rmSync(join(folder, "LATEST"));
  const releases = await serve(folder, t);
  const made = await rehearse("--releases", releases);
  const home = mkdtempSync(join(person.folder, "home-"));
  const script = join(made, `v${version}`, "install.sh");
  const done = await finish("sh", [script], { env: { HOME: home, PATH: "/usr/bin:/bin" } });
  assert.equal(done.status, 0, done.stderr);
});

test("npm's package carries the program, and npx starts the MCP server with it", async () => {
  const folder = await rehearse();
  const { name, version: packed } = JSON.parse(readFileSync(join(root, "npm/package.json"), "utf8"));
  assert.equal(packed, version, "the package's version is the program's");
  const project = mkdtempSync(join(person.folder, "npx-"));
  writeFileSync(join(project, "package.json"), "{}");
  const tarball = join(folder, `v${version}`, `${name}-${version}.tgz`);
  const installed = await finish("npm", ["install", "--no-audit", "--no-fund", "--offline", tarball], { cwd: project });
  assert.equal(installed.status, 0, installed.stderr);
  const server = spawn("npx", ["--no-install", "securecode", "mcp"], { cwd: project, stdio: ["pipe", "pipe", "ignore"] });
  const say = (message) => server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
  say({ id: 1, method: "initialize", params });
  say({ method: "notifications/initialized" });
  say({ id: 2, method: "tools/list" });
  for await (const line of createInterface(server.stdout)) {
    const { id, result } = JSON.parse(line);
    if (id !== 2) continue;
    assert.ok(result.tools.some((tool) => tool.name === "get-secret"));
    break;
  }
  server.stdin.end();
  server.kill();
});

test("the release workflow makes what these tests got, and may do no more than it needs", async () => {
  const workflow = parse(".github/workflows/release.yml");
  assert.deepEqual(workflow.on, { push: { tags: ["v*"] } });
  assert.deepEqual(workflow.permissions, {});
  const { build, publish, ...others } = workflow.jobs;
  assert.deepEqual(others, {});
  assert.deepEqual(build.permissions, { contents: "read" }, "what runs others' code may change nothing");
  assert.deepEqual(publish.permissions, { contents: "write", "id-token": "write", attestations: "write" });
  const steps = [...build.steps, ...publish.steps];
  for (const { uses } of steps) if (uses) assert.match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/, "pinned to a commit");
  for (const step of steps) assert.doesNotMatch(step.run ?? "", /\$\{\{ *(github\.event|inputs|github\.ref)/);
  assert.ok(build.steps.some((step) => step.run?.startsWith("cargo xtask dist --releases ")));

  // What the second job does with the files, with the programs in place of those that would publish them.
  const folder = mkdtempSync(join(person.folder, "publish-"));
  process.env.GITHUB_REPOSITORY = "owner/securecode";
  cpSync(join(await rehearse(), `v${version}`), join(folder, "release"), { recursive: true });
  delete process.env.GITHUB_REPOSITORY;
  for (const name of ["securecode", "securecode-sdk"]) {
    const packed = ["-xzOf", join(folder, "release", `${name}-${version}.tgz`), "package/package.json"];
    const { repository } = JSON.parse((await finish("tar", packed, {})).stdout);
    assert.equal(repository.url, "git+https://github.com/owner/securecode.git", "npm compares it with where it was built");
  }
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const name of ["gh", "npx"]) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${folder}/said\n`, { mode: 0o755 });
  }
  const env = { PATH: `${bin}:/usr/bin:/bin`, TAG: `v${version}`, GITHUB_REPOSITORY: "owner/securecode" };
  for (const { run } of publish.steps) {
    if (run) assert.equal((await finish("bash", ["-e", "-c", run], { cwd: folder, env })).status, 0, run);
  }
  const [released, ...published] = readFileSync(join(folder, "said"), "utf8").trim().split("\n");
  assert.match(released, / --draft /);
  assert.match(published.pop(), /^gh release edit .* --draft=false$/, "what npm refuses is released to nobody");
  for (const name of ["install.sh", "gitlab.yml", "SHA256SUMS", archive.split("/")[1]]) assert.match(released, new RegExp(name));
  assert.deepEqual(
    published.map((line) => /release\/(.*)$/.exec(line)[1]),
    [`securecode-${version}.tgz`, `securecode-sdk-${version}.tgz`],
  );
});
