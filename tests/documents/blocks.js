// What a document has its reader type.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../sdk/kit.js";

export const read = (path) => readFileSync(join(root, path), "utf8");

/** The fenced blocks of a kind, or, without one, the indented ones. */
export function blocks(path, kind) {
  if (kind) return [...read(path).matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, "gms"))].map(([, block]) => block);
  const indented = read(path).matchAll(/(?:^ {4}.*\n)+/gm);
  return [...indented].map(([block]) => block.replace(/^ {4}/gm, ""));
}
