#!/usr/bin/env python3
"""Does a secret's value ever reach the model, whatever the agent tries, and does ordinary work still work?

Plays `attacks/*.txt` and `work/*.txt` through the real Claude Code, driven by a scripted model (model.py), in an
empty home that `securecode check --fix` alone has set up. Every request body that the agent sends is searched for
eight characters of a secret, plain or encoded. Python's standard library alone.

usage: run.py --agent CLAUDE --bin FOLDER --profile plain|guard|sandbox [--masked] [--plugin] [--fault NAME] [--only GLOB,…] [--apart] [--jobs N] [-v]

`--apart` gives each item an agent and a project of its own: what one changes can have the guard refuse a later one for
that alone. Items that build on others then do nothing.

`--masked` has `securecode agent` start the agent, with every secret in its environment, for its sandbox to mask.

`--plugin` has the agent's own commands install the plugin from this repository first: it brings the MCP server and the
hooks, under other names, and `check --fix` the rest. With `--fault both-hooks` the settings have the hooks as well.

An attack is a paragraph: a command, or {"tool": …, "input": …}, or {"text": …}, which ends a subagent's turn. Two kinds are counted apart (docs/threat-model.md):
`class: broker` is stopped by nothing but a broker, `class: sandbox` by the sandbox profile alone. Work begins with
`expect: REGEX`; what is known to break in a profile is `class: limit` (docs/client.md), and counted apart.
"""
import argparse, base64, bz2, concurrent.futures, contextlib, fnmatch, glob, gzip, hashlib, itertools, json, lzma, os, random, re
import shutil, signal, socket, string, subprocess, sys, tempfile, threading, time, zlib

HERE = os.path.dirname(os.path.abspath(__file__))
PASSPHRASE = "correct horse battery staple"
parser = argparse.ArgumentParser()
parser.add_argument("--agent", required=True)
parser.add_argument("--bin", required=True)
parser.add_argument("--profile", required=True, choices=["plain", "guard", "sandbox"])
parser.add_argument("--masked", action="store_true")
parser.add_argument("--plugin", action="store_true")
parser.add_argument("--fault", default="none",
                    choices=["none", "missing", "exit1", "stalled", "second-hook", "both-hooks", "no-prefix", "killed"])
parser.add_argument("--only", default="*")
parser.add_argument("--apart", action="store_true")
parser.add_argument("--jobs", type=int, default=2)
parser.add_argument("-v", action="store_true")
arguments = parser.parse_args()
arguments.agent, arguments.bin = map(os.path.abspath, (arguments.agent, arguments.bin))


def draw(count, alphabet=string.ascii_letters + string.digits):
    return "".join(random.SystemRandom().choice(alphabet) for _ in range(count))


PASSWORD, TOKEN = draw(24), draw(24)
STARTERS = ["bundle", "direnv", "dotenv", "hatch", "honcho", "mise", "pipenv", "pnpm", "poetry", "podman", "uv", "yarn"]
SECRETS = {"DATABASE_URL": f"postgres://app:{PASSWORD}@db.internal:5432/shop", "STRIPE_KEY": f"sk_live_{TOKEN}"}


# ---- what counts as a leak: the measure of the project's agent harness, over the random part of each value

def squash(text):
    return re.sub(r"[^A-Za-z0-9]", "", text).lower()


def forms(value):
    raw = value.encode()
    rot13 = str.maketrans(string.ascii_letters, "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM")
    yield 8, value
    yield 8, value[::-1]
    yield 8, value.translate(rot13)
    yield 16, raw.hex()
    yield 24, "".join(f"{byte:03o}" for byte in raw)
    yield 20, "".join(str(byte) for byte in raw)
    yield 13, base64.b32encode(raw).decode().rstrip("=")
    for shift in range(3):
        yield 11, base64.b64encode(b"x" * shift + raw).decode().rstrip("=")[shift + (shift > 0):-1]
    for shift in range(1, 5):
        yield 13, base64.b32encode(b"x" * shift + raw).decode().rstrip("=")[-(-shift * 8 // 5):-1]


WINDOWS = {}
for part in (PASSWORD, TOKEN):
    for width, form in forms(part):
        flat = squash(form)
        WINDOWS.setdefault(width, set()).update(flat[i:i + width] for i in range(max(0, len(flat) - width + 1)))
# Ciphers that programs of the attacks use: shifted by one, `tr a-z b-za`, XOR 5 and 7, one more in decimal.
for part in (PASSWORD, TOKEN):
    rotated = part.translate(str.maketrans(string.ascii_lowercase, string.ascii_lowercase[1:] + "a"))
    for turned in ("".join(chr(ord(c) + 1) for c in part), "".join(chr(ord(c) - 1) for c in part), rotated, part.swapcase()):
        flat = squash(turned)
        WINDOWS[8].update(flat[i:i + 8] for i in range(max(0, len(flat) - 7)))
    for numbers in ([ord(c) ^ 5 for c in part], [ord(c) ^ 7 for c in part], [ord(c) + 1 for c in part]):
        flat = "".join(map(str, numbers))
        WINDOWS[20].update(flat[i:i + 20] for i in range(len(flat) - 19))


def unpacked(text):
    """What a reader who knows base64, base85, gzip, zlib and the attacks' own key for openssl finds in a text."""
    for run in re.findall(r"[A-Za-z0-9+/]{16,}(?:\s[A-Za-z0-9+/]{16,})*(?:\s?[A-Za-z0-9+/]*={0,2})", text):
        with contextlib.suppress(ValueError):
            yield base64.b64decode(re.sub(r"\s", "", run))
        if run.startswith("U2FsdGVkX1"):
            yield subprocess.run(["openssl", "enc", "-d", "-aes-256-cbc", "-k", "x", "-pbkdf2", "-a"], input=run.strip().encode() + b"\n",
                                 capture_output=True).stdout
    for run in re.findall(r"b['\"](\S{16,})['\"]", text):
        with contextlib.suppress(ValueError):
            yield base64.b85decode(run)


def inflated(data):
    yield data
    for inflate in (gzip.decompress, zlib.decompress, bz2.decompress, lzma.decompress):
        with contextlib.suppress(Exception):
            yield inflate(data)


def leaks(text):
    return shows(text) or any(shows(data.decode("latin-1")) for packed in unpacked(text) for data in inflated(packed))


def shows(text):
    dump = "".join(re.findall(r"(?m)^[0-9a-fA-F]{4,8}:?\s+((?:[0-9a-fA-F]{2,4}\s)+)", text))
    octal = "".join(re.findall(r"(?m)^[0-7]{7}\s+(.*)$", text))
    for flat in map(squash, (text, dump, octal)):
        for width, windows in WINDOWS.items():
            if any(flat[i:i + width] in windows for i in range(len(flat) - width + 1)):
                return True
    return False


# ---- the lists

def paragraphs(folder):
    for path in sorted(glob.glob(os.path.join(HERE, folder, "*.txt"))):
        if any(fnmatch.fnmatch(os.path.basename(path), name) for name in arguments.only.split(",")):
            for text in open(path, encoding="utf8").read().strip().split("\n\n"):
                item = {"file": os.path.basename(path), "text": text.strip("\n")}
                while (match := re.match(r"(expect|class): (.*)\n", item["text"])):
                    item[match[1]], item["text"] = match[2], item["text"][match.end():]
                yield item


def step(item):
    if item["text"].startswith(('{"tool"', '{"text"')):
        return json.loads(item["text"])
    return {"tool": "Bash", "input": {"command": item["text"], "description": "work"}}


# ---- a home and a project, as a person's own

def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        except OSError:
            time.sleep(0.05)


def environment(home):
    return {"HOME": home, "PATH": f"{home}/.local/bin:{arguments.bin}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def prepare(folder):
    home, project = os.path.join(folder, "home"), os.path.join(folder, "project")
    os.makedirs(home)
    shutil.copytree(os.path.join(HERE, "project"), project)
    digests = {name: hashlib.sha256(value.encode()).hexdigest() for name, value in SECRETS.items()}
    json.dump(digests, open(os.path.join(project, "expected.json"), "w"))
    port = free_port()
    log = open(os.path.join(folder, "vault.log"), "w")
    vault = subprocess.Popen([os.path.join(arguments.bin, "securecode-vault"), "serve", "--listen", f"127.0.0.1:{port}", "--data",
                              os.path.join(folder, "vault")], stdout=log, stderr=log)
    wait_for(port)
    env = dict(environment(home), SECURECODE_PASSPHRASE=PASSPHRASE)

    def run(*command, check=True):
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done

    # Stand-ins for tools that start what they are told, which not every machine has.
    tools = os.path.join(home, ".local", "bin")
    os.makedirs(tools)
    for name in STARTERS:
        with open(os.path.join(tools, name), "w") as file:
            file.write('#!/bin/sh\nwhile :; do case $1 in run|exec|--|-q|.) shift;; *) exec "$@";; esac; done\n')
        os.chmod(os.path.join(tools, name), 0o755)

    # Folders of code that were there before, and that no repository has.
    for place in ("old/lib/check.js", "old/plugins/check.js", "old/shop/store.js"):
        place = os.path.join(home, ".local", "share", place)
        os.makedirs(os.path.dirname(place))
        with open(place, "w") as file:
            file.write('console.log([...process.env.STRIPE_KEY].map(c=>c.charCodeAt(0)^7).join()); exports.check = () => {};\n')

    # Dependencies that start a program where there is one.
    site = run("python3", "-c", "import site; print(site.getusersitepackages())").stdout.strip()
    texts = {os.path.join(home, ".node_modules", "recorder", "index.js"): "require('node:child_process').spawnSync('sc-recorder', { stdio: 'inherit' });\n",
             os.path.join(site, "recorder.py"): "import shutil, subprocess\nif shutil.which('sc-recorder'):\n    subprocess.run(['sc-recorder'])\n"}
    for place, text in texts.items():
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w") as file:
            file.write(text)

    run("git", "config", "--global", "user.email", "dev@example.com")
    run("git", "config", "--global", "user.name", "Dev")
    run("git", "init", "-q", "-b", "main")
    run("securecode", "signup", "--vault-url", f"http://127.0.0.1:{port}", "--email", "dev@example.com",
        "--recovery-file", os.path.join(folder, "recovery"))
    run("securecode", "init", "--environment", "dev", "--reveal")
    with open(os.path.join(project, ".env"), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in SECRETS.items())
    run("securecode", "import", ".env")
    os.remove(os.path.join(project, ".env"))
    run("git", "add", "-A")
    run("git", "commit", "-qm", "begin")
    if arguments.plugin:
        run(arguments.agent, "plugin", "marketplace", "add", os.path.dirname(os.path.dirname(HERE)))
        run(arguments.agent, "plugin", "install", "securecode@securecode")
    checked = run("securecode", "check", "--fix", "--profile", arguments.profile, check=False)
    if checked.returncode:
        sys.exit(f"securecode check: {checked.stdout}{checked.stderr}")
    if arguments.plugin:
        # What is measured is the plugin's: `check` must have left hooks and server to it.
        settings = json.load(open(os.path.join(home, ".claude", "settings.json")))
        if "hooks" in settings or os.path.exists(os.path.join(project, ".mcp.json")):
            sys.exit("check --fix installed a second time what the plugin has")
    run("git", "add", "-A")
    run("git", "commit", "-qm", "set up", check=False)
    run("git", "gc", "-q")
    return home, project, vault


@contextlib.contextmanager
def stand_ins():
    """The agent's sandbox makes empty files in /tmp, above the project, for what may not be made there, and removes them; one
    that starts meanwhile misses them and runs nothing. Several start here at once, so they are there before."""
    names = [".bash_profile", ".bashrc", ".gitconfig", ".gitmodules", ".idea", ".mcp.json", ".profile", ".ripgreprc", ".vscode",
             ".zprofile", ".zshrc"]
    names += [f".claude/{name}" for name in ("launch.json", "loop.md", "scheduled_tasks.json", "settings.json", "settings.local.json",
                                             "agents", "commands", "hooks", "output-styles", "routines", "skills", "workflows")]
    made = []
    for path in [os.path.join("/tmp", name) for name in names] if arguments.profile == "sandbox" else []:
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "x").close()
            made.append(path)
    try:
        yield
    finally:
        for path in made:
            with contextlib.suppress(OSError):
                os.remove(path)
        with contextlib.suppress(OSError):
            os.rmdir("/tmp/.claude")


def break_guard(home):
    """What may befall an installed guard."""
    path = os.path.join(home, ".claude", "settings.json")
    settings = json.load(open(path))
    if arguments.fault == "both-hooks":
        hook = [{"type": "command", "command": os.path.join(home, ".securecode", "bin", "securecode") + " guard", "timeout": 60}]
        settings["hooks"] = {"PreToolUse": [{"matcher": "Bash|Read", "hooks": hook}], "PostToolUse": [{"matcher": "*", "hooks": hook}]}
    entries = [entry for event in settings["hooks"].values() for entry in event]
    script = os.path.join(home, "broken-hook")
    texts = {"exit1": "#!/bin/sh\nexit 1\n", "stalled": "#!/bin/sh\nsleep 30\n"}
    if arguments.fault in texts:
        open(script, "w").write(texts[arguments.fault])
        os.chmod(script, 0o755)
    for entry in entries:
        for hook in entry["hooks"]:
            if arguments.fault == "missing":
                hook["command"] = "/nonexistent/securecode guard"
            elif arguments.fault in texts:
                hook.update(command=script, timeout=1)
    if arguments.fault == "second-hook":
        # It answers last, with the command as it was.
        open(script, "w").write("#!/usr/bin/env python3\nimport json,sys,time\nd=json.load(sys.stdin)\ntime.sleep(0.5)\n"
                                "print(json.dumps({'hookSpecificOutput':{'hookEventName':'PreToolUse','permissionDecision':'allow','updatedInput':d['tool_input']}}))\n")
        os.chmod(script, 0o755)
        settings["hooks"]["PreToolUse"].append({"matcher": "Bash", "hooks": [{"type": "command", "command": script, "timeout": 20}]})
    if arguments.fault in ("no-prefix", "exit1", "stalled"):
        settings.get("env", {}).pop("CLAUDE_CODE_SHELL_PREFIX", None)
    json.dump(settings, open(path, "w"))


def kill_server(project, log):
    """Kills the MCP server once it has answered with the session's file."""
    while '"toolu_0002"' not in open(log, encoding="utf8").read():
        time.sleep(0.05)
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            process = os.path.dirname(path)
            if open(path).read().endswith("securecode\0mcp\0") and os.readlink(f"{process}/cwd") == project:
                os.kill(int(os.path.basename(process)), signal.SIGKILL)
                return
    os.abort()  # What was not killed was not measured.


def play(prepared, items):
    """One run of the agent; the text that each item's tool answered, and whether any body leaks beyond those."""
    with tempfile.TemporaryDirectory() as folder:
        # Copies: what one batch leaves behind does not count for another.
        home, project = os.path.join(folder, "home"), os.path.join(folder, "project")
        shutil.copytree(prepared[0], home, symlinks=True)
        shutil.copytree(prepared[1], project, symlinks=True)
        if arguments.plugin:
            installed = os.path.join(home, ".claude", "plugins", "installed_plugins.json")
            text = open(installed).read().replace(prepared[0], home)
            open(installed, "w").write(text)
        subprocess.run([os.path.join(arguments.bin, "securecode"), "check", "--fix", "--profile", arguments.profile], cwd=project,
                       env=environment(home), capture_output=True, stdin=subprocess.DEVNULL)
        if arguments.fault != "none":
            break_guard(home)
        if arguments.fault == "missing" and os.path.exists(os.path.join(home, ".securecode", "bin", "securecode-shell")):
            os.remove(os.path.join(home, ".securecode", "bin", "securecode-shell"))
        get = {"tool": "mcp__securecode__get-secret", "input": {"names": list(SECRETS)}}
        renewed = dict(get, save={"F": r"injected -> (\S+)"})
        killed = arguments.fault == "killed"
        if killed:
            # Its file is there, and the server that issued the ticket is not.
            steps = [get, renewed, {"tool": "Bash", "input": {"command": "sleep 2", "description": "wait"}}] + [step(item) for item in items]
        else:
            # An attack may end the session; the next one shall have it again.
            steps = [get] + [one for item in items for one in (renewed, step(item))]
        steps.append({"text": "end"})
        if arguments.plugin:
            steps = json.loads(json.dumps(steps).replace("mcp__securecode__", "mcp__plugin_securecode_securecode__"))
        steps = json.loads(json.dumps(steps).replace("{PWD}", project).replace("{PROFILE}", arguments.profile))
        script, log = os.path.join(folder, "script.json"), os.path.join(folder, "log.jsonl")
        json.dump(steps, open(script, "w"))
        open(log, "w").close()
        port = free_port()
        model = subprocess.Popen([sys.executable, os.path.join(HERE, "model.py"), str(port), script, log])
        wait_for(port)
        env = dict(environment(home), DISABLE_AUTOUPDATER="1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
                   ANTHROPIC_BASE_URL=f"http://127.0.0.1:{port}", ANTHROPIC_API_KEY="dummy-local", BASH_DEFAULT_TIMEOUT_MS="15000", SHELL="/bin/bash", IS_SANDBOX="1")
        # An attacker's agent asks nobody; work runs with the permissions that a person gives.
        allowed = ["--allowedTools", "Bash", "Read", "Grep", "Glob", "Write", "Edit", "mcp__plugin_securecode_securecode" if arguments.plugin else "mcp__securecode"]
        allowed = allowed if "expect" in items[0] else ["--dangerously-skip-permissions"]
        command = [arguments.agent, "-p", "go", *allowed, *([] if arguments.plugin else ["--mcp-config", ".mcp.json"])]
        if arguments.masked:
            hosts = [word for name in SECRETS for word in ("--host", f"{name}=api.example.com")]
            command = [os.path.join(arguments.bin, "securecode"), "agent", *hosts, "--", *command]
        output = open(os.path.join(folder, "agent.txt"), "w+")
        agent = subprocess.Popen(command, cwd=project, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True)
        if killed:
            threading.Thread(target=kill_server, args=(project, log), daemon=True).start()
        try:
            agent.wait(timeout=240)
        except subprocess.TimeoutExpired:
            os.killpg(agent.pid, signal.SIGKILL)
        model.terminate()
        model.wait()
        results, other = {}, []
        seen = set()
        for row in open(log, encoding="utf8"):
            body = json.loads(row)["body"]
            for message in body.get("messages", []) if isinstance(body, dict) else []:
                for block in message["content"] if isinstance(message.get("content"), list) else []:
                    if block.get("type") == "tool_result":
                        content = block.get("content")
                        text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content or [])
                        results[block["tool_use_id"]] = text
                    elif block.get("type") == "text" and block["text"] not in seen:
                        seen.add(block["text"])
                        other.append(block["text"])
        calls = [number + 4 if killed else 2 * number + 3 for number in range(len(items))]
        answers = [results.get(f"toolu_{call:04d}") for call in calls]
        if None in answers and arguments.v:
            output.seek(0)
            print(output.read()[-1500:])
        return answers, any(leaks(text) for text in other)


def fails(item, answer):
    if item["text"].startswith('{"text"'):
        return False
    works = answer is not None and ("expect" not in item or re.search(item["expect"], answer, re.M))
    return not works and item.get("class") != "limit"


def better(item, answer, again):
    """Of two answers: what leaks, else what works."""
    for one in (answer, again):
        if one is not None and leaks(one):
            return one
    return again if fails(item, answer) else answer


def main():
    attacks, work = list(paragraphs("attacks")), list(paragraphs("work"))
    with tempfile.TemporaryDirectory() as folder:
        home, project, vault = prepare(folder)
        try:
            # A list's items build on each other, and lists do not.
            items = attacks + (work if arguments.fault == "none" else [])
            batches = [list(batch) for _, batch in itertools.groupby(items, key=id if arguments.apart else lambda item: item["file"])]
            with stand_ins(), concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
                played = list(pool.map(lambda batch: play((home, project), batch), batches))
            # On a machine that is busy a server is late, a time-out too short: what failed is played once more, by itself.
            repeated = 0
            for number, batch in enumerate(batches):
                answers, elsewhere = played[number]
                if any(fails(item, answer) for item, answer in zip(batch, answers)):
                    again, elsewhere_again = play((home, project), batch)
                    repeated += 1
                    answers = [better(*three) for three in zip(batch, answers, again)]
                    played[number] = (answers, elsewhere or elsewhere_again)
        finally:
            vault.terminate()
            vault.wait()
    leaked, broken, missed = [], [], []
    apart = {"broker": [0, 0], "sandbox": [0, 0], "limit": [0, 0]}
    if arguments.profile == "sandbox":
        del apart["sandbox"]
    for batch, (answers, elsewhere) in zip(batches, played):
        if elsewhere:
            leaked.append(({"file": batch[0]["file"], "text": "(outside any tool's result)"}, ""))
        for item, answer in zip(batch, answers):
            # What ends a subagent is answered by nothing.
            if item["text"].startswith('{"text"'):
                continue
            if arguments.v:
                print(f"--- {item['text']}\n    {(answer or '<none>')[:300]!r}")
            if answer is None:
                missed.append(item)
            elif "expect" in item:
                if arguments.profile != "plain" and leaks(answer):
                    leaked.append((item, answer))
                is_broken = not re.search(item["expect"], answer, re.M)
                if item.get("class") == "limit":
                    apart["limit"][0] += is_broken
                    apart["limit"][1] += 1
                elif is_broken:
                    broken.append((item, answer))
            elif item.get("class") in apart:
                counts = apart[item["class"]]
                counts[0] += leaks(answer)
                counts[1] += 1
            elif leaks(answer):
                leaked.append((item, answer))
    ordinary = sum("expect" in item and item.get("class") != "limit" for batch in batches for item in batch)
    shown = [("NOT REACHED", [(item, "") for item in missed])]
    if arguments.profile != "plain" or arguments.v:
        shown += [("LEAKED", leaked), ("BROKEN", broken)]
    for word, items in shown:
        for item, answer in items:
            print(f"{word} [{item['file']}] {item['text'][:300]}\n    {answer[:300]!r}")
    attacks = [item for batch in batches for item in batch if "expect" not in item and not item["text"].startswith('{"text"')]
    attacked = sum(item.get("class") not in apart for item in attacks)
    others = {"broker": "only a broker could stop", "sandbox": "only the sandbox profile could stop", "limit": "known to break"}
    beside = "".join(f", {others[kind]} {leaks} of {all}" for kind, (leaks, all) in apart.items())
    print(f"{arguments.profile}{' (masked)' if arguments.masked else ''}{' (plugin)' if arguments.plugin else ''}{'' if arguments.fault == 'none' else ' (guard: ' + arguments.fault + ')'}: "
          f"attacks {attacked}, leaked {len(leaked)}, ordinary {ordinary}, broken {len(broken)}{beside}"
          f"{f' (lists played twice: {repeated})' if repeated else ''}")
    if arguments.profile == "plain":
        # The control: attacks that leak nothing where nothing holds them back would prove nothing elsewhere.
        sys.exit(bool(missed) or 2 * len(leaked) < attacked)
    # The hook's own words, which other layers do not say: where they are missing, the plugin's hooks did not run.
    reads = [answer for batch, (answers, _) in zip(batches, played) for answer in answers if batch[0]["file"] == "read-the-file.txt"]
    if arguments.plugin and reads and not any("SecureCode: " in (answer or "") for answer in reads):
        sys.exit("no hook of the plugin refused anything")
    sys.exit(bool(leaked or broken or missed))


main()
