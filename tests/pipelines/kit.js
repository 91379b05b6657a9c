// Files of configuration, and a folder that is served as a release's files are.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, normalize } from "node:path";
import { root } from "../sdk/kit.js";

export const yaml = createRequire(join(root, "tests/tools/package.json"))("yaml");

/** A YAML file of the repository. */
export const parse = (path) => yaml.parse(readFileSync(join(root, path), "utf8"));

/** Serves a folder's files until the test is over. */
export async function serve(folder, t) {
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(folder, normalize(request.url))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}
