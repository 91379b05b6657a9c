// docs/agents.md: Claude Code's plugin, installed in the real one by the commands as they are written.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { finish, person, root } from "../sdk/kit.js";
import { blocks } from "./blocks.js";

test("the plugin is installed and proven as written", async () => {
  const [block] = blocks("docs/agents.md").filter((block) => block.startsWith("claude plugin"));
  const home = mkdtempSync(join(person.folder, "agents-"));
  const bin = join(home, "bin");
  mkdirSync(bin);
  const { platform, arch } = process;
  symlinkSync(join(root, `tests/tools/node_modules/@anthropic-ai/claude-code-${platform}-${arch}/claude`), join(bin, "claude"));
  const env = {
    HOME: home,
    PATH: `${bin}:${join(root, "target/debug")}:${process.env.PATH}`,
    SECURECODE_HOME: person.home,
    SECURECODE_PASSPHRASE: "a passphrase for these tests alone",
  };
  const script = block.replace("/path/to/securecode", root);
  const done = await finish("sh", ["-ec", script], { cwd: person.project, env });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.match(done.stdout, /guard/);
  const { enabledPlugins } = JSON.parse(readFileSync(join(home, ".claude/settings.json"), "utf8"));
  assert.equal(enabledPlugins["securecode@securecode"], true);
});
