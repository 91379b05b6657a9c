// The container of the native vault: built as the documents say, and its program started as its own files have it.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { person } from "../sdk/kit.js";
import { programs, rehearse } from "./release.js";

const NAME = "securecode-vault-test";
const podman = (...words) => execFileSync("podman", words, { encoding: "utf8", maxBuffer: 1 << 28 });

test("the container holds the vault and its dashboard, runs as nobody, keeps its data and stops when told", async (t) => {
  const described = execFileSync("readelf", ["--program-headers", join(programs, "securecode-vault")], { encoding: "utf8" });
  if (described.includes("INTERP")) return t.skip("the program of this rehearsal is not static, so it needs files of a system");
  const release = await rehearse();
  podman("build", "--quiet", "--tag", NAME, join(release, "securecode-vault"));
  t.after(() => podman("rmi", "--force", NAME));
  const [{ Config: config }] = JSON.parse(podman("image", "inspect", NAME));
  assert.equal(config.User, "65532:65532");
  assert.deepEqual(Object.keys(config.Volumes), ["/data"]);
  assert.deepEqual(config.Cmd.slice(0, 3), ["serve", "--listen", "0.0.0.0:8787"]);

  // Its files, as nobody would see them: containers cannot be nested wherever tests run, but user namespaces can.
  const files = mkdtempSync(join(person.folder, "container-"));
  const id = podman("create", NAME).trim();
  t.after(() => podman("rm", "--force", id));
  const archive = join(person.folder, "container.tar");
  podman("export", "--output", archive, id);
  const listed = execFileSync("tar", ["--numeric-owner", "-tvf", archive, "data"], { encoding: "utf8" });
  assert.match(listed, /^drwx\S+ 65532\/65532 /, "the volume is nobody's");
  execFileSync("tar", ["--no-same-owner", "-xf", archive, "-C", files]);

  const inside = ["--die-with-parent", "--unshare-user", "--uid", "65532", "--gid", "65532", "--bind", files, "/"];
  const words = config.Cmd.with(2, "127.0.0.1:0");
  const vault = spawn("bwrap", [...inside, "--", ...config.Entrypoint, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => vault.kill("SIGKILL"));
  const [url] = await new Promise((answer, fail) => {
    createInterface(vault.stdout).on("line", (line) => answer(/http:\S+(?=,)/.exec(line) ?? fail(new Error(line))));
    vault.on("exit", (status) => fail(new Error(`ended with ${status}`)));
  });
  const health = await fetch(`${url}/healthz`);
  assert.equal(health.status, 200);
  assert.match(await (await fetch(url)).text(), /<title>SecureCode/);

  const copied = ["backup", "--data", "/data", "--to", "/data/copy"];
  execFileSync("bwrap", [...inside, "--", ...config.Entrypoint, ...copied]);
  const ended = new Promise((done) => vault.on("exit", (status, signal) => done({ status, signal })));
  // The vault itself, which bubblewrap waits for.
  execFileSync("pkill", ["--signal", config.StopSignal, "--parent", String(vault.pid)]);
  assert.deepEqual(await ended, { status: 0, signal: null });
});
