// A machine of somebody's: the real command line, and the real Claude Code with a model that plays a script.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { client, vault } from "./kit.js";

const tests = path.join(import.meta.dirname, "..");
const AGENT = path.join(tests, "tools/node_modules/@anthropic-ai/claude-code-linux-x64/claude");

/** Without a desktop: the link is shown. */
export class Machine {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), "machine-"));
    this.project = path.join(this.folder, "webshop");
    mkdirSync(this.project);
    after(() => rmSync(this.folder, { recursive: true }));
  }

  options() {
    return { cwd: this.project, env: { PATH: `${path.dirname(client)}:${process.env.PATH}`, HOME: this.folder } };
  }

  run(...words) {
    return execFileSync(client, words, { ...this.options(), encoding: "utf8" });
  }

  /** Begins to be set up; its words, its link, and how it ends. */
  async setUp() {
    const child = spawn(client, ["setup", "--vault-url", vault], { ...this.options(), stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stderr.on("data", (data) => (text += data));
    const ended = new Promise((done) => child.on("close", (code) => done({ code, text })));
    const shown = [];
    await new Promise((found) => {
      createInterface(child.stdout).on("line", (line) => {
        text += `${line}\n`;
        if (line.startsWith("    ") && shown.push(line.trim()) === 2) found();
      });
    });
    return { words: shown[0], link: shown[1], ended, child };
  }

  /** The agent at work in the project: calls what the script says. What its model was sent, and of that what its tools answered. */
  async agent(script) {
    const file = path.join(this.folder, "script.json");
    const log = path.join(this.folder, "log.jsonl");
    writeFileSync(file, JSON.stringify([...script, { text: "end" }]));
    writeFileSync(log, "");
    const port = await freePort();
    const model = spawn("python3", [path.join(tests, "agent/model.py"), String(port), file, log], { stdio: "ignore" });
    const { cwd, env } = this.options();
    const words = ["-p", "go", "--allowedTools", "Bash", "mcp__securecode", "--mcp-config", ".mcp.json"];
    const agent = spawn(AGENT, words, {
      cwd,
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...env,
        ANTHROPIC_API_KEY: "dummy-local",
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        DISABLE_AUTOUPDATER: "1",
        SHELL: "/bin/bash",
      },
    });
    const code = await new Promise((done) => agent.on("close", done));
    model.kill();
    assert.equal(code, 0, "the agent ends well");
    const sent = readFileSync(log, "utf8");
    const messages = sent.trim().split("\n").flatMap((line) => JSON.parse(line).body.messages ?? []);
    const answers = messages
      .flatMap(({ content }) => (Array.isArray(content) ? content : []))
      .filter(({ type }) => type === "tool_result")
      .map(({ content }) => JSON.stringify(content));
    return { sent, answers: [...new Set(answers)] };
  }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
