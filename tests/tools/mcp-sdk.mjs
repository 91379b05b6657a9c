// An MCP client that is not ours: the official TypeScript SDK. Gets a secret injected, and uses it as an agent
// would; prints what happened, and every message it was sent.
//
// usage: mcp-sdk.mjs BINARY PROJECT NAME
import { execFileSync } from "node:child_process";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [binary, project, name] = process.argv.slice(2);
const transport = new StdioClientTransport({ command: binary, args: ["mcp"], cwd: project, env: { ...process.env } });
const client = new Client({ name: "typescript-sdk", version: "1" });
await client.connect(transport);
const messages = [];
const call = async (tool, args) => {
  const result = await client.callTool({ name: tool, arguments: args });
  messages.push(result);
  return result.content[0].text;
};
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const tip = await call("get-secret", { name });
const injected = await call("get-secret", { name });
const path = injected.split("\n")[0].split(" injected -> ")[1];
const value = execFileSync("sh", ["-c", `. ${path} && printenv ${name}`]).toString("hex");
await call("byebye", {});
await client.close();
console.log(JSON.stringify({ tools, tip, path, value, messages }));
