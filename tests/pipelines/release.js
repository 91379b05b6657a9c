// A release, rehearsed: packed as one is, with the program of these tests in place of the static one.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { finish, person, root } from "../sdk/kit.js";

/** A copy of a release's folder, for one test; with these options more. */
export async function rehearse(...more) {
  // Without what only a debugger reads, which takes long to pack.
  const binary = join(person.folder, "securecode");
  assert.equal((await finish("strip", ["-o", binary, join(root, "target/debug/securecode")], {})).status, 0);
  const words = ["xtask", "dist", "--binary", binary, ...more];
  const { status, stderr } = await finish("cargo", words, { cwd: root });
  assert.equal(status, 0, stderr);
  const folder = mkdtempSync(join(person.folder, "releases-"));
  rmSync(folder, { recursive: true });
  cpSync(join(root, "target/dist"), folder, { recursive: true });
  return folder;
}
