// The template, as a runner of GitLab's runs it: a job's lines in one shell, which stops at the first that fails.

import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { finish, machine, person } from "../sdk/kit.js";
import { parse } from "./kit.js";

const template = parse("pipelines/gitlab.yml")[".securecode"];

export function job(script, env) {
  const folder = mkdtempSync(join(person.folder, "job-"));
  const lines = [...template.before_script, ...script].join("\n");
  const variables = { ...machine(), PATH: "/usr/bin:/bin", CI_BUILDS_DIR: folder, ...env };
  return finish("sh", ["-ec", lines], { cwd: folder, env: variables });
}
