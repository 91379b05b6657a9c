// A release, rehearsed: packed as one is, with programs that were built without optimisation.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { finish, person, root } from "../sdk/kit.js";

/** Where the programs are that are packed. */
export const programs = process.env.SECURECODE_TEST_PROGRAMS ?? join(root, "target/debug");

/** A copy of a release's folder, for one test; with these options more. */
export async function rehearse(...more) {
  // Without what only a debugger reads, which takes long to pack.
  for (const name of ["securecode", "securecode-vault"]) {
    const stripped = await finish("strip", ["-o", join(person.folder, name), join(programs, name)], {});
    assert.equal(stripped.status, 0, stripped.stderr);
  }
  const words = ["xtask", "dist", "--programs", person.folder, ...more];
  const { status, stderr } = await finish("cargo", words, { cwd: root });
  assert.equal(status, 0, stderr);
  const folder = mkdtempSync(join(person.folder, "releases-"));
  rmSync(folder, { recursive: true });
  cpSync(join(root, "target/dist"), folder, { recursive: true });
  return folder;
}
