// Streamable HTTP in front of the real binary's standard input and output, for clients that speak nothing else. It
// passes messages on as they are, and knows no more of MCP than which of them is an answer: what is tried is the
// server. A client that shakes hands gets a process and a session of its own; the others share one.
//
// usage: mcp-bridge.mjs BINARY PROJECT; prints its URL
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const [binary, project] = process.argv.slice(2);
const sessions = new Map();

/// A process, and the streams of those who wait for its answers.
function start() {
  const child = spawn(binary, ["mcp"], { cwd: project, stdio: ["pipe", "pipe", "inherit"] });
  const waiting = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    const isAnswer = !("method" in message);
    const at = isAnswer ? waiting.findIndex(({ id }) => id === message.id) : waiting.length - 1;
    if (at < 0) return;
    waiting[at].stream.write(`event: message\ndata: ${line}\n\n`);
    if (isAnswer) waiting.splice(at, 1)[0].stream.end();
  });
  return { child, waiting };
}

const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const known = request.headers["mcp-session-id"];
  if (request.method === "DELETE" && sessions.has(known)) {
    sessions.get(known).child.stdin.end();
    sessions.delete(known);
    return response.writeHead(200).end();
  }
  if (request.method !== "POST") return response.writeHead(405).end();
  const message = JSON.parse(body);
  const session = message.method === "initialize" ? randomUUID() : (known ?? "shared");
  if (known && !sessions.has(known)) return response.writeHead(404).end();
  if (!sessions.has(session)) sessions.set(session, start());
  const { child, waiting } = sessions.get(session);
  const isQuestion = "method" in message && "id" in message;
  const headers = session === "shared" ? {} : { "mcp-session-id": session };
  if (isQuestion) {
    response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
    waiting.push({ id: message.id, stream: response });
  } else {
    response.writeHead(202, headers).end();
  }
  child.stdin.write(`${JSON.stringify(message)}\n`);
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
