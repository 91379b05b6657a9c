import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { Person, canary, client, vault } from "./kit.js";

/** The real client as an agent’s server; the agent cannot ask its person anything. */
class Agent {
  constructor(key) {
    const home = mkdtempSync(join(tmpdir(), "securecode-agent-"));
    this.child = spawn(client, ["mcp"], {
      cwd: home,
      stdio: ["pipe", "pipe", "ignore"],
      env: { PATH: process.env.PATH, HOME: home, SECURECODE_API_KEY: key, SECURECODE_VAULT_URL: vault },
    });
    after(() => {
      this.child.kill();
      rmSync(home, { recursive: true, force: true });
    });
    this.said = "";
    this.waiting = new Map();
    createInterface(this.child.stdout).on("line", (line) => {
      this.said += line;
      const answer = JSON.parse(line);
      this.waiting.get(answer.id)?.(answer.result);
    });
    this.asked = 0;
  }

  ask(method, params) {
    const id = ++this.asked;
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return new Promise((done) => this.waiting.set(id, done));
  }

  static async start(key) {
    const agent = new Agent(key);
    const clientInfo = { name: "test", version: "1" };
    await agent.ask("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo });
    agent.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
    return agent;
  }

  async get(more) {
    const result = await this.ask("tools/call", { name: "get-secret", arguments: { name: "ASKED_SECRET", ...more } });
    return result.content[0].text;
  }
}

test("what an agent must ask for, its owner allows or refuses in the dashboard", async () => {
  const value = canary("asked");
  const ada = await Person.withEnvironment();
  const { page } = ada;
  await ada.addSecret("ASKED_SECRET", value);
  await ada.follow("ASKED_SECRET");
  await ada.press("Policy");
  await page.getByLabel("Use by commands").selectOption("ask");
  await page.getByLabel("Showing it").selectOption("ask");
  await ada.press("Lay down");
  await ada.sees("The policy of ASKED_SECRET holds from now on.");
  await ada.press("Close");
  await ada.to("Keys");
  await page.getByRole("button", { name: "Make a key" }).first().click();
  await ada.fill("Name", "the-agents");
  await page.getByRole("dialog").getByLabel("Reveal").check();
  await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
  const key = (await page.locator("output.code").innerText()).trim();
  await ada.press("I have it");

  const agent = await Agent.start(key);
  await agent.get();
  const asked = await agent.get();
  assert.match(asked, new RegExp(`nobody has answered yet[^]*${vault}/#/approvals`));
  await ada.to("Activity");
  await ada.press("Approvals");
  await ada.sees("An agent wants to run commands with it.");
  await ada.sees("by the key the-agents");
  await ada.press("Refuse");
  await ada.sees("Refused.");
  await ada.sees("Nothing is asked");
  assert.match(await agent.get(), /the answer was no/);

  assert.match(await agent.get(), /nobody has answered yet/);
  await ada.press("Allow");
  await ada.sees("Allowed. The agent may call again.");
  const given = await agent.get();
  assert.match(given, /^ASKED_SECRET injected -> /);
  assert.match(readFileSync(given.split(" -> ")[1].split("\n")[0], "utf8"), new RegExp(value));
  assert.ok(!agent.said.includes(value), "the value is in no message");

  assert.match(await agent.get({ reveal: true }), /nobody has answered yet/);
  await ada.sees("An agent wants to read its value into the conversation.");
  await ada.press("Allow");
  await ada.sees("Nothing is asked");
  assert.equal(await agent.get({ reveal: true }), value);
  await ada.leaves(value, "ASKED_SECRET");
});
