// README's way on the command line alone, as it is written. The other, with browser and agent, is a flow of tests/browser.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { finish, person, root } from "../sdk/kit.js";
import { blocks } from "./blocks.js";

test("a newcomer comes from README to a command with its secrets", async () => {
  const [block] = blocks("README.md").filter((block) => block.startsWith("securecode signup"));
  const folder = mkdtempSync(join(person.folder, "newcomer-"));
  const project = join(folder, "your-project");
  mkdirSync(project);
  writeFileSync(join(project, ".env"), "GREETING=good-morning-to-you\n");
  writeFileSync(join(project, "package.json"), JSON.stringify({ scripts: { start: 'echo "it says $GREETING"' } }));
  const script = join(folder, "typed.sh");
  writeFileSync(script, block.replace("http://127.0.0.1:8787", person.url));
  const env = {
    HOME: folder,
    PATH: `${join(root, "target/debug")}:${process.env.PATH}`,
    SECURECODE_PASSPHRASE: "a passphrase for these tests alone",
  };
  // In a terminal, as a person has one: the recovery code is shown nowhere else.
  const typed = await finish("script", ["-qec", `sh -e ${script}`, "/dev/null"], { cwd: folder, env });
  assert.equal(typed.status, 0, typed.stdout);
  assert.match(typed.stdout, /scr_(?:[A-Z2-7]{4}-){7}[A-Z2-7]{4}/);
  assert.match(typed.stdout, /it says good-morning-to-you/);
  assert.match(readFileSync(join(project, ".gitignore"), "utf8"), /^\.?\/?\.securecoderc$/m);
});
