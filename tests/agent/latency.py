#!/usr/bin/env python3
"""How much later is a command of the agent's under the guard? (docs/benchmarks.md)

Sets up a vault, a home in the guard profile and a living session with a secret, and runs each line in turn as the
agent's shell would and as the guard does. Prints medians in milliseconds.

usage: latency.py --bin FOLDER [--runs N]
"""
import argparse, json, os, re, shlex, socket, statistics, subprocess, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument("--bin", required=True)
parser.add_argument("--runs", type=int, default=200)
arguments = parser.parse_args()
binary = os.path.join(os.path.abspath(arguments.bin), "securecode")

with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]


def ask(server, number, method, params):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
    server.stdin.flush()
    return server.stdout.readline()


with tempfile.TemporaryDirectory() as folder:
    home, project = os.path.join(folder, "home"), os.path.join(folder, "project")
    os.makedirs(home)
    os.makedirs(project)
    env = {"HOME": home, "PATH": f"{os.path.dirname(binary)}:/usr/local/bin:/usr/bin:/bin", "SHELL": "/bin/bash",
           "SECURECODE_PASSPHRASE": "correct horse battery staple"}
    vault = subprocess.Popen([binary + "-vault", "serve", "--listen", f"127.0.0.1:{port}", "--data", os.path.join(folder, "vault")],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)

    def run(*command, **more):
        return subprocess.run(command, cwd=project, env=env, check=True, capture_output=True, text=True, **more)

    run(binary, "signup", "--vault-url", f"http://127.0.0.1:{port}", "--email", "dev@example.com", "--recovery-file",
        os.path.join(folder, "recovery"))
    run(binary, "init")
    run(binary, "set", "TOKEN", input="4f8a1c99e2d3b7")
    run(binary, "check", "--fix", "--profile", "guard")
    server = subprocess.Popen([binary, "mcp"], cwd=project, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ask(server, 1, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "latency", "version": "1"}})
    server.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    for number in (2, 3):
        answer = ask(server, number, "tools/call", {"name": "get-secret", "arguments": {"name": "TOKEN"}})
    path = re.search(r'injected -> ([^\s\\"]+)', answer)[1]
    shell = os.path.join(home, ".securecode/bin/securecode-shell")

    def once(command):
        began = time.perf_counter()
        subprocess.run(command, cwd=project, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
        return (time.perf_counter() - began) * 1000

    def hook(event):
        call = json.dumps({"hook_event_name": event, "session_id": "one", "tool_name": "Bash", "cwd": project,
                           "tool_input": {"command": "ls -la"}, "tool_response": {"stdout": "a line\n" * 100}})
        began = time.perf_counter()
        subprocess.run([binary, "guard"], cwd=project, env=env, input=call, text=True, capture_output=True, check=True)
        return (time.perf_counter() - began) * 1000

    def whole(line):
        return f"source /dev/null 2>/dev/null || true && eval {shlex.quote(line)} < /dev/null && pwd -P >| /dev/null"

    print("line, unguarded ms, guarded ms, later ms (medians)")
    for line, guarded in [("true", None), ("ls -la /usr/bin", None), ("seq 100000", None), ("/bin/true", f"source {path} && /bin/true"),
                          ("/bin/true; /bin/true; /bin/true", f"source {path} && /bin/true; /bin/true; /bin/true")]:
        pairs = [(once(["/bin/bash", "-c", whole(line)]), once([shell, whole(guarded or line)])) for _ in range(arguments.runs)]
        plain, under = (statistics.median(column) for column in zip(*pairs))
        print(f"{'source FILE && ' if guarded else ''}{line}, {plain:.1f}, {under:.1f}, {under - plain:.1f}")
    for event in ("PreToolUse", "PostToolUse"):
        print(f"the hook {event}, 0, {statistics.median(hook(event) for _ in range(arguments.runs)):.1f}, the same")
    server.stdin.close()
    server.wait()
    vault.terminate()
    vault.wait()
