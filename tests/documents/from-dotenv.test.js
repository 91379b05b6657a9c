// docs/from-dotenv.md, each command as it is written, in one project after the other.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { finish, install, person, root } from "../sdk/kit.js";
import { blocks } from "./blocks.js";

test("a project that used dotenv gets its variables as the document says", async () => {
  const project = join(person.folder, "my-app");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), "{}");
  writeFileSync(join(project, ".env"), 'export DATABASE_URL="postgres://app:p4ss@db/app" # where\nMANY="one\ntwo"\n');
  const say = 'console.log(JSON.stringify([process.env.DATABASE_URL, process.env.MANY ?? null, process.env.PORT ?? null]));';
  writeFileSync(join(project, "app.js"), say);
  await install(project, "--offline", person.tarball);
  const bin = join(root, "target/debug");
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: join(person.folder, "home"), SECURECODE_PASSPHRASE: "a passphrase for these tests alone" };
  const run = async (script) => {
    const done = await finish("sh", ["-ec", script], { cwd: project, env });
    assert.equal(done.status, 0, script + done.stderr);
    return done.stdout;
  };
  const [begin, remove, started, imported, referenced] = blocks("docs/from-dotenv.md", "sh");
  const listed = await run(begin);
  assert.match(listed, /^DATABASE_URL {2}v1$/m);
  assert.ok(!listed.includes("p4ss"));
  await run(remove);
  assert.ok(!existsSync(join(project, ".env")));
  assert.match(await run(started), /\[DATABASE_URL\]/);
  const all = '["postgres://app:p4ss@db/app","one\\ntwo",null]\n';
  assert.equal(await run(imported), all);
  writeFileSync(join(project, "app.js"), `(async () => { ${blocks("docs/from-dotenv.md", "js")[0]} ${say} })();`);
  assert.equal(await run("node app.js"), all);
  writeFileSync(join(project, "app.js"), say);
  assert.match(await run(referenced), /\[DATABASE_URL\].*"3000"/);
});
