import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { isSilent, root } from "../sdk/kit.js";
import { serve } from "./kit.js";
import { rehearse } from "./release.js";
import { job } from "./template.js";

test("a job that extends the template runs commands with secrets, masked", async (t) => {
  const releases = await serve(await rehearse(), t);
  for (const installer of [join(root, "pipelines/install.sh"), `${releases}/v0.1.0/install.sh`]) {
    const script = ["securecode run -- sh -c 'echo \"deploying with $STRIPE_KEY\"'", "echo ${STRIPE_KEY-none}"];
    const done = await job(script, { SECURECODE_INSTALLER: installer, SECURECODE_RELEASES: releases });
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /deploying with \[STRIPE_KEY\]\nnone\n$/);
    isSilent(done.stdout + done.stderr);
  }
});

test("a job whose installer fails stops", async () => {
  const done = await job(["echo reached"], { SECURECODE_INSTALLER: join(root, "pipelines/install.sh"), SECURECODE_RELEASES: "http://127.0.0.1:9" });
  assert.notEqual(done.status, 0);
  assert.doesNotMatch(done.stdout, /reached/);
});
