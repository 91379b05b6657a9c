// Each command that a document names is there, with each of its flags, in the program as it is built.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { finish, root } from "../sdk/kit.js";
import { read } from "./blocks.js";

const documents = [
  ...["README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "npm/README.md", "sdk/node/README.md"],
  ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];

/** What follows a program's name in the text: in a block at the beginning of a line, or in code within it. */
function* commands(program) {
  for (const document of documents) {
    const text = read(document);
    const pattern = new RegExp(`(?:^(?: {4})?|\`)(?:npx )?${program} ([^\`\n#]*)`, "gm");
    for (const [, words] of text.matchAll(pattern)) yield { document, words: words.trim().split(/\s+/) };
    // Tables of commands leave the program's name out.
    if (program !== "securecode") continue;
    for (const [, table] of text.matchAll(/^\| command \| does \|\n\| --- \| --- \|\n((?:\|.*\n)+)/gm)) {
      const cells = table.matchAll(/^\| (.*?) \| /gm);
      for (const [, cell] of cells) {
        for (const [, code] of cell.matchAll(/`([a-z][^`]*)`/g)) yield { document, words: code.split(/\s+/) };
      }
    }
  }
}

/** What the program says of a command, by its help. */
const told = new Map();
async function help(program, words) {
  const key = [program, ...words].join(" ");
  if (!told.has(key)) {
    const done = await finish(join(root, "target/debug", program), [...words, "--help"], {});
    told.set(key, done.status === 0 ? done.stdout : null);
  }
  return told.get(key);
}

for (const program of ["securecode", "securecode-vault"]) {
  test(`${program}: every command and flag that documents name is there`, async () => {
    let count = 0;
    for (const { document, words } of commands(program)) {
      const named = `${document}: ${program} ${words.join(" ")}`;
      const own = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
      if (!/^[a-z]/.test(own[0])) continue;
      const subcommands = own.filter((word) => /^[a-z][a-z-]*$/.test(word));
      if (subcommands.length === 0) continue;
      let text = await help(program, subcommands.slice(0, 1));
      if (subcommands[0] === "help") text = await help(program, []);
      assert.ok(text, `${named}: there is no such command`);
      if (subcommands.length > 1 && /^Commands:$/m.test(text)) {
        text = await help(program, subcommands.slice(0, 2));
        assert.ok(text, `${named}: there is no such command`);
      }
      for (const word of own) {
        const [flag] = /^\[?(--?[a-z][a-z-]*)/.exec(word)?.slice(1) ?? [];
        if (flag) assert.match(text, new RegExp(`(^|[\\s,])${flag}(?![\\w-])`, "m"), `${named}: there is no ${flag}`);
      }
      count++;
    }
    assert.ok(count > (program === "securecode" ? 60 : 3), `${count} were found`);
  });
}

test("cargo xtask: every command that documents name is there", async () => {
  const { stderr } = await finish("cargo", ["xtask", "there-is-none"], { cwd: root });
  let count = 0;
  for (const { document, words } of commands("cargo xtask")) {
    assert.match(stderr, new RegExp(`^cargo xtask ${words[0].replace(/\W+$/, "")} `, "m"), `${document}: cargo xtask ${words[0]}`);
    count++;
  }
  assert.ok(count > 20, `${count} were found`);
});
