// The examples of docs/pipelines.md, as they are written.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { finish, isSilent, machine, person, root, securecode } from "../sdk/kit.js";
import { act, shown } from "../pipelines/action.js";
import { serve, yaml } from "../pipelines/kit.js";
import { rehearse } from "../pipelines/release.js";
import { job } from "../pipelines/template.js";
import { blocks as blocksOf } from "./blocks.js";

const blocks = (kind) => blocksOf("docs/pipelines.md", kind);

test("the workflows run as written", async () => {
  const workflows = blocks("yaml").map((block) => yaml.parse(block)).filter((block) => block.jobs);
  assert.equal(workflows.length, 2);
  for (const { jobs } of workflows) {
    const [{ with: inputs }] = jobs.deploy.steps.filter((step) => step.uses?.includes("/securecode@"));
    const { "api-key": key, "vault-url": url, ...others } = inputs;
    assert.deepEqual([key, url], ["${{ secrets.SECURECODE_API_KEY }}", "https://vault.example.com"]);
    const done = await act(others);
    assert.equal(done.status, 0, done.log);
    isSilent(shown(done.log));
    if (others.run) assert.match(done.log, /^deploying with \[STRIPE_KEY\]$/m);
    else assert.match(done.variables, /^STRIPE_KEY<<[\s\S]*^DATABASE_URL<<|^DATABASE_URL<<[\s\S]*^STRIPE_KEY<</m);
  }
});

test("the job of GitLab runs as written", async (t) => {
  const [{ deploy }] = blocks("yaml").map((block) => yaml.parse(block)).filter((block) => block.deploy);
  assert.equal(deploy.extends, ".securecode");
  const releases = await serve(await rehearse(), t);
  const done = await job(deploy.script, { SECURECODE_INSTALLER: join(root, "pipelines/install.sh"), SECURECODE_RELEASES: releases });
  assert.match(done.stdout, /^deploying with \[STRIPE_KEY\]$/m, done.stderr);
});

test("the commands run as written", async (t) => {
  const [create, run] = blocks("sh");
  assert.match(await securecode(...create.trim().split(" ").slice(1)), /sc_/);
  const folder = mkdtempSync(join(person.folder, "other-"));
  cpSync(join(root, "pipelines/install.sh"), join(folder, "install.sh"));
  const env = { ...machine(), PATH: "/usr/bin:/bin", SECURECODE_RELEASES: await serve(await rehearse(), t) };
  const done = await finish("sh", ["-ec", run], { cwd: folder, env });
  assert.match(done.stdout, /^deploying with \[STRIPE_KEY\]$/m, done.stderr);
});
