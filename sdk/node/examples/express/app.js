// An application that has its secrets before it listens: run it where a `.securecoderc` is (`securecode init`), or with
// SECURECODE_API_KEY and SECURECODE_VAULT_URL.
import express from "express";
import { loadEnv, SecureCodeError } from "@securecode/sdk";

try {
  const { project, environment, loaded } = await loadEnv({ offline: ".securecode-offline" });
  console.log(`${loaded.length} secrets of ${project}/${environment}`);
} catch (error) {
  if (!(error instanceof SecureCodeError)) throw error;
  console.error(error.message);
  process.exit(1);
}

const app = express();
app.get("/health", (_request, response) => {
  // Whether it is there; never what it is.
  response.json({ database: process.env.DATABASE_URL !== undefined });
});
const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
