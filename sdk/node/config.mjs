// For `node --import @securecode/sdk/config app.js`: variables are set before the application's first line.
import { isMainThread } from "node:worker_threads";
import { loadEnv } from "./index.mjs";

const set = (name) => process.env[`SECURECODE_LOAD_${name}`] || undefined;
const list = (name) => set(name)?.split(",").map((word) => word.trim());

// A worker is given its parent's variables.
if (isMainThread) {
  try {
    await loadEnv({
      override: ["1", "true"].includes(set("OVERRIDE")),
      only: list("ONLY"),
      tags: list("TAGS"),
      environment: set("ENVIRONMENT"),
      offline: set("OFFLINE"),
    });
  } catch (error) {
    // No stack: this is about the application's surroundings.
    console.error(`securecode: ${error.message}`);
    process.exit(1);
  }
}
