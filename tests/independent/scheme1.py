"""Scheme 1 once more, written from docs/protocol.md alone and sharing no code with the product.

usage: scheme1.py verify FILE...   each file is a test vector: say whether this implementation agrees
       scheme1.py make DIRECTORY   write vectors of its own for the other implementation to judge
"""
import base64, hmac as hmac_module, hashlib, ipaddress, json, os, re, sys, unicodedata, zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


class Refused(Exception):
    """The outcome class of a vector that must fail."""

    def __init__(self, outcome):
        self.outcome = outcome


# --- notation

def u8(n): return n.to_bytes(1, "big")
def u32(n): return n.to_bytes(4, "big")
def u64(n): return n.to_bytes(8, "big")
def lp(x): return u32(len(x)) + x
def mac(key, data): return hmac_module.new(key, data, hashlib.sha256).digest()
def sha(data): return hashlib.sha256(data).digest()
def extract(salt, ikm): return mac(salt, ikm)


def expand(prk, info, length=32):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac(prk, block + info + bytes([counter]))
        out, counter = out + block, counter + 1
    return out[:length]


def unb64(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Refused("parse")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(data) != text:
        raise Refused("parse")
    return data


def b64(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Reader:
    def __init__(self, data): self.data = data

    def take(self, n):
        if n > len(self.data):
            raise Refused("open")
        head, self.data = self.data[:n], self.data[n:]
        return head

    def u8(self): return self.take(1)[0]
    def u32(self): return int.from_bytes(self.take(4), "big")
    def u64(self): return int.from_bytes(self.take(8), "big")
    def lp(self): return self.take(self.u32())

    def flag(self):
        value = self.u8()
        if value > 1:
            raise Refused("open")
        return bool(value)

    def text(self, pattern):
        try:
            text = self.lp().decode()
        except UnicodeDecodeError:
            raise Refused("open")
        if not re.fullmatch(pattern, text, re.S):
            raise Refused("open")
        return text

    def list(self, read, key):
        items = []
        for _ in range(self.u32()):
            item = read()
            if items and key(items[-1]) >= key(item):
                raise Refused("open")
            items.append(item)
        return items

    def end(self):
        if self.data:
            raise Refused("open")


NAME = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
LABEL = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
TAG = r"[A-Za-z0-9._:/-]{1,64}"

# --- sealing


def context(kind, account=b"", project=b"", environment=b"", subject=b"", index=b"", version=0):
    return lp(u8(kind)) + lp(account) + lp(project) + lp(environment) + lp(subject) + lp(index) + u64(version)


def padded_length(n):
    size = 64
    while size < n + 4 and size < 4096:
        size *= 2
    return size if size >= n + 4 else -(-(n + 4) // 4096) * 4096


def pad(plaintext):
    return (u32(len(plaintext)) + plaintext).ljust(padded_length(len(plaintext)), b"\0")


def derive(key, ctx, salt):
    okm = expand(extract(salt, key), lp(b"securecode/1/seal") + ctx, 76)
    return okm[:32], okm[32:44], okm[44:]


def seal_padded(key, ctx, padded, scheme=1, commitment=None):
    salt = os.urandom(32)
    k, n, c = derive(key, ctx, salt)
    c = commitment or c
    head = u8(scheme) + salt + c
    return head + AESGCM(k).encrypt(n, padded, u8(scheme) + ctx + salt + c)


def seal(key, ctx, plaintext): return seal_padded(key, ctx, pad(plaintext))


def open_(key, ctx, blob):
    if len(blob) < 81 or blob[0] != 1:
        raise Refused("open")
    salt, c, ciphertext = blob[1:33], blob[33:65], blob[65:]
    k, n, expected = derive(key, ctx, salt)
    if not hmac_module.compare_digest(c, expected):
        raise Refused("open")
    try:
        padded = AESGCM(k).decrypt(n, ciphertext, u8(1) + ctx + salt + c)
    except InvalidTag:
        raise Refused("open")
    length = int.from_bytes(padded[:4], "big")
    if len(padded) < 4 or padded_length(length) != len(padded) or any(padded[4 + length:]):
        raise Refused("open")
    return padded[4:4 + length]


# --- tokens

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(data, width):
    number, text = int.from_bytes(data, "big"), ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text


def unbase62(text, size):
    number = 0
    for digit in text:
        if digit not in DIGITS:
            raise Refused("token")
        number = number * 62 + DIGITS.index(digit)
    if number >> (8 * size):
        raise Refused("token")
    return number.to_bytes(size, "big")


def crc(data): return zlib.crc32(data).to_bytes(4, "big")


def token(prefix, key_id, secret):
    text = prefix + base62(key_id + secret, 65)
    return text + base62(crc(text.encode()), 6)


def untoken(prefix, text):
    if not text.startswith(prefix) or len(text.encode()) != len(prefix) + 71 or not text.isascii():
        raise Refused("token")
    if unbase62(text[-6:], 4) != crc(text[:-6].encode()):
        raise Refused("token")
    data = unbase62(text[len(prefix):-6], 48)
    return data[:16], data[16:]


def recovery_text(code):
    digits = base64.b32encode(code + crc(b"scr_" + code)).decode()
    return "scr_" + "-".join(digits[i:i + 4] for i in range(0, 32, 4))


def unrecovery(text):
    plain = re.sub(r"[\s-]", "", text)
    if plain[:4].lower() != "scr_" or not re.fullmatch("[A-Z2-7]{32}", plain[4:].upper()):
        raise Refused("token")
    data = base64.b32decode(plain[4:].upper())
    if data[16:] != crc(b"scr_" + data[:16]):
        raise Refused("token")
    return data[:16]


# --- the hierarchy

def audience(url):
    match = re.fullmatch(r"(https?)://([^/?#]*)([/?#].*)?", url.lower() if url.isascii() else "", re.S)
    if not match:
        raise Refused("parse")
    scheme, authority = match[1], match[2]
    match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]+))?", authority)
    if not match:
        raise Refused("parse")
    host, port = match[1], match[2]
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False
        if host.startswith("[") or any(not p or p[0] == "-" or p[-1] == "-" for p in host.split(".")):
            raise Refused("parse")
    if host.startswith("[") and host != "[::1]":
        loopback = False
    if scheme == "http" and not loopback:
        raise Refused("parse")
    if port is not None and int(port) > 65535:
        raise Refused("parse")
    own = {"https": 443, "http": 80}[scheme]
    return f"{scheme}://{host}" + ("" if port is None or int(port) == own else f":{int(port)}")


def email(text):
    normal = unicodedata.normalize("NFKC", text.strip()).lower()
    if normal.count("@") != 1 or normal[0] == "@" or normal[-1] == "@" or len(normal.encode()) > 254:
        raise Refused("parse")
    if any(c.isspace() or unicodedata.category(c) == "Cc" for c in normal):
        raise Refused("parse")
    return normal


def key_auth(key_id, secret, aud):
    return expand(extract(key_id, secret), lp(b"securecode/1/key/auth") + lp(aud.encode()))


def key_wrap(key_id, secret): return expand(extract(key_id, secret), lp(b"securecode/1/key/wrap"))


def recovery_keys(code):
    prk = extract(b"securecode/1/recovery", code)
    return expand(prk, lp(b"securecode/1/recovery/auth")), expand(prk, lp(b"securecode/1/recovery/wrap"))


def stretch(passphrase, kdf):
    if not (65536 <= kdf["memory_kib"] <= 1048576 and 3 <= kdf["passes"] <= 10 and 1 <= kdf["lanes"] <= 4):
        raise Refused("kdf")
    r = Argon2id(salt=unb64(kdf["salt"]), length=32, iterations=kdf["passes"], lanes=kdf["lanes"], memory_cost=kdf["memory_kib"]).derive(
        unicodedata.normalize("NFKC", passphrase).encode())
    return expand(r, lp(b"securecode/1/login")), expand(r, lp(b"securecode/1/kek"))


def passphrase_context(address, kdf):
    return lp(address.encode()) + lp(unb64(kdf["salt"])) + u32(kdf["memory_kib"]) + u32(kdf["passes"]) + u32(kdf["lanes"])


def name_index(ek, name): return mac(expand(ek, lp(b"securecode/1/index")), name.encode())[:16]


# --- plaintexts

def read_environment_key(data):
    r = Reader(data)
    out = r.take(32), r.text(LABEL), r.text(LABEL), r.flag()
    r.end()
    return out


def read_meta(data):
    r = Reader(data)
    tags = r.list(lambda: r.text(TAG), lambda t: t.encode())
    note = r.text(r".*")
    r.end()
    if len(tags) > 16 or len(note.encode()) > 1024:
        raise Refused("open")
    return tags, note


def permissions(bits):
    if bits >> 5:
        raise Refused("open")
    return [name for i, name in enumerate(["read", "write", "reveal", "audit", "gateway"]) if bits >> i & 1]


def read_manifest(data):
    r = Reader(data)
    out = {"version": r.u64()}
    out["projects"] = r.list(lambda: {"id": r.take(16).hex(), "name": r.text(LABEL)}, lambda p: p["id"])
    out["environments"] = r.list(lambda: {
        "id": r.take(16).hex(), "project": r.take(16).hex(), "name": r.text(LABEL), "production": r.flag(), "generation": r.u64(),
    }, lambda e: e["id"])

    def key():
        entry = {"id": r.take(16).hex(), "name": r.text(LABEL), "permissions": permissions(r.u32()), "expires_at": r.u64()}
        entry["status"] = {1: "active", 2: "revoked"}.get(r.u8())
        if entry["status"] is None:
            raise Refused("open")
        entry["environments"] = r.list(lambda: r.take(16).hex(), lambda i: i)
        return entry

    out["keys"] = r.list(key, lambda k: k["id"])
    r.end()
    return out


def read_policy(data):
    r = Reader(data)
    words = ["allow", "ask", "block"]
    use, reveal = r.u8(), r.u8()
    if use > 2 or reveal > 2:
        raise Refused("open")
    out = {"use": words[use], "reveal": words[reveal], "production": r.flag(), "canary": r.flag()}
    out["hosts"] = r.list(lambda: r.text(r".*"), lambda t: t.encode())
    out["commands"] = r.list(lambda: r.text(r".*"), lambda t: t.encode())
    r.end()
    return out


def read_rules(ek, place, rules):
    r = Reader(open_(ek, context(13, *place, b"rules", b"", rules["version"]), unb64(rules["blob"])))
    out = r.list(lambda: [r.text(TAG), read_policy(r.lp())], lambda t: t[0].encode())
    r.end()
    return out


# --- manifests

def read_root(ek, place, root):
    data = open_(ek, context(8, *place, b"root", b"", root["version"]), unb64(root["blob"]))
    r = Reader(data)
    version, secrets, count = r.u64(), r.u32(), r.u32()
    digests = [r.take(32) for _ in range(count)]
    rules = r.take(32) if r.data else None
    r.end()
    if version != root["version"] or count < 1 or count > 65536 or count & (count - 1) or rules == bytes(32):
        raise Refused("open")
    return secrets, digests, rules


def read_bucket(ek, place, digests, number, blob):
    if number >= len(digests) or sha(blob) != digests[number]:
        raise Refused("wrong_bucket")
    r = Reader(open_(ek, context(8, *place, b"bucket", u32(number)), blob))
    entries = r.list(lambda: (r.take(16), r.take(16), r.u64(), r.take(32), r.take(32)), lambda e: e[0])
    r.end()
    if any(int.from_bytes(e[0][:2], "big") * len(digests) // 65536 != number for e in entries):
        raise Refused("open")
    return entries


# --- vectors

def environment_of(v):
    key_id, secret = untoken("sc_", v["key"])
    place = tuple(bytes.fromhex(v[field]) for field in ("account", "project", "environment"))
    wrapped = open_(key_wrap(key_id, secret), context(5, *place, key_id, b"", v["generation"]), unb64(v["environment_key"]))
    ek, project, environment, production = read_environment_key(wrapped)
    return ek, place, {"project": project, "environment": environment, "production": production}


def open_secret(ek, place, s):
    secret_id, index = bytes.fromhex(s["id"]), bytes.fromhex(s["index"])
    name = open_(ek, context(2, *place, secret_id, index), unb64(s["name"]))
    if not re.fullmatch(NAME.encode(), name) or name_index(ek, name.decode()) != index:
        raise Refused("open")
    tags, note = read_meta(open_(ek, context(3, *place, secret_id, index, s["version"]), unb64(s["meta"])))
    value = open_(ek, context(1, *place, secret_id, index, s["version"]), unb64(s["value"]))
    if len(value) > 524288 or 0 in value:
        raise Refused("open")
    return {"name": name.decode(), "tags": tags, "note": note, "value": value.hex()}


# --- the audit log

def audit_leaf(row):
    return sha(u8(0) + lp(b"securecode/1/audit-row") + lp(row["request_id"].encode()) + u64(row["at"]) + u64(row["cost"])
               + lp(row["entry"].encode()))


def merkle_root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"")
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha(u8(1) + merkle_root(leaves[:half]) + merkle_root(leaves[half:]))


def audit_segment(account, previous, leaves, closed_at):
    before = previous or {"n": 0, "last": 0, "hash": bytes(32).hex()}
    n, first, last = before["n"] + 1, before["last"] + 1, before["last"] + len(leaves)
    root, hash_before = merkle_root(leaves), bytes.fromhex(before["hash"])
    digest = sha(lp(b"securecode/1/audit-segment") + lp(account) + u64(n) + u64(first) + u64(last) + lp(root) + lp(hash_before)
                 + u64(closed_at))
    return {"n": n, "first": first, "last": last, "root": root.hex(), "previous": hash_before.hex(), "closed_at": closed_at,
            "hash": digest.hex()}


def judge(v):
    op = v["op"]
    if op == "audit":
        leaves = [audit_leaf(row) for row in v["rows"]]
        if audit_segment(bytes.fromhex(v["account"]), v["previous"], leaves, v["segment"]["closed_at"]) != v["segment"]:
            raise Refused("audit")
        return {"leaves": [leaf.hex() for leaf in leaves]}
    if op == "open":
        c = v["context"]
        fields = [bytes.fromhex(c[f]) for f in ("account", "project", "environment", "subject", "index")]
        return {"plaintext": open_(bytes.fromhex(v["key"]), context(c["kind"], *fields, c["version"]), unb64(v["blob"])).hex()}
    if op == "api_key":
        key_id, secret = untoken("sc_", v["text"])
        return {"id": key_id.hex(), "access_token": token("sct_", key_id, key_auth(key_id, secret, audience(v["audience"])))}
    if op == "access_token":
        key_id, auth = untoken("sct_", v["text"])
        return {"id": key_id.hex(), "auth": auth.hex()}
    if op == "recovery_code":
        return {"text": recovery_text(unrecovery(v["text"])), "auth": recovery_keys(unrecovery(v["text"]))[0].hex()}
    if op == "audience":
        return {"audience": audience(v["text"])}
    if op == "email":
        return {"email": email(v["text"])}
    if op in ("passphrase", "recovery"):
        account, out = bytes.fromhex(v["account"]), {}
        if op == "passphrase":
            login, kek = stretch(v["passphrase"], v["kdf"])
            out["login"] = login.hex()
            ak = open_(kek, context(6, account, subject=passphrase_context(email(v["email"]), v["kdf"])), unb64(v["account_key"]))
        else:
            ak = open_(recovery_keys(unrecovery(v["code"]))[1], context(7, account), unb64(v["account_key"]))
        if len(ak) != 32:
            raise Refused("open")
        manifest = open_(ak, context(12, account, version=v["manifest"]["version"]), unb64(v["manifest"]["blob"]))
        out["manifest"] = read_manifest(manifest)
        if out["manifest"]["version"] != v["manifest"]["version"]:
            raise Refused("open")
        if "record" in v:
            key_id = bytes.fromhex(v["record"]["id"])
            r = Reader(open_(ak, context(11, account, subject=key_id), unb64(v["record"]["blob"])))
            r.take(32)
            out["record"] = {"name": r.text(LABEL), "permissions": permissions(r.u32()), "expires_at": r.u64(),
                             "environments": r.list(lambda: r.take(16).hex(), lambda i: i)}
            r.end()
        return out
    if op == "secret":
        ek, place, names = environment_of(v)
        return {"names": names, "secret": open_secret(ek, place, v["secret"])}
    if op == "policy":
        ek, place, _ = environment_of(v)
        p = v["policy"]
        ctx = context(13, *place, bytes.fromhex(p["id"]), bytes.fromhex(p["index"]), p["version"])
        return {"policy": read_policy(open_(ek, ctx, unb64(p["blob"])))}
    if op == "rules":
        ek, place, _ = environment_of(v)
        return {"rules": read_rules(ek, place, v["rules"])}
    if op == "current_rules":
        ek, place, _ = environment_of(v)
        _, _, digest = read_root(ek, place, v["root"])
        if v["rules"] is None:
            if digest is not None:
                raise Refused("missing")
            return {"rules": None}
        if sha(unb64(v["rules"]["blob"])) != digest:
            raise Refused("not_current")
        return {"rules": read_rules(ek, place, v["rules"])}
    if op == "read":
        ek, place, _ = environment_of(v)
        secrets, digests, _ = read_root(ek, place, v["root"])
        index = name_index(ek, v["name"])
        number = int.from_bytes(index[:2], "big") * len(digests) // 65536
        entry = next((e for e in read_bucket(ek, place, digests, number, unb64(v["bucket"])) if e[0] == index), None)
        s = v["secret"]
        if (entry is None) != (s is None):
            raise Refused("missing" if s is None else "unexpected")
        if s is None:
            return {"secret": None}
        if (bytes.fromhex(s["index"]), bytes.fromhex(s["id"]), s["version"], sha(unb64(s["value"]))) != entry[:4]:
            raise Refused("not_current")
        return {"secret": open_secret(ek, place, s)}
    raise SystemExit(f"unknown op {op}")


def verify(paths):
    wrong = 0
    for path in paths:
        v = json.load(open(path, encoding="utf-8"))
        try:
            outcome, result = "ok", judge(v)
        except Refused as refused:
            outcome, result = refused.outcome, None
        if outcome != v["outcome"] or (outcome == "ok" and result != v["result"]):
            wrong += 1
            print(f"{path}: expected {v['outcome']} {v.get('result')}, got {outcome} {result}")
    print(f"{len(paths) - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong or not paths else 0)


def make(directory):
    count = 0

    def put(name, vector):
        nonlocal count
        count += 1
        with open(os.path.join(directory, f"python-{name}.json"), "w", encoding="utf-8") as f:
            json.dump(vector, f, indent=1)
            f.write("\n")

    def opening(name, blob, outcome="open", key=b"k" * 32, version=1, **result):
        c = {"kind": 1, "account": b"a".hex(), "project": "", "environment": "", "subject": "", "index": "", "version": version}
        put(name, {"op": "open", "key": key.hex(), "context": c, "blob": b64(blob), "outcome": outcome, **result})

    key, ctx = b"k" * 32, context(1, b"a", version=1)
    for n in (0, 1, 59, 60, 61, 124, 4091, 4092, 4093, 8188, 8189):
        value = bytes(i % 251 for i in range(n))
        opening(f"open-{n}-bytes", seal(key, ctx, value), "ok", result={"plaintext": value.hex()})
    # Valid ciphertexts of wrong plaintexts and heads: only the last checks can refuse them.
    opening("padding-not-zero", seal_padded(key, ctx, pad(b"value")[:-1] + b"\1"))
    opening("padding-too-large", seal_padded(key, ctx, pad(b"value") + bytes(64)))
    opening("padding-size-of-none", seal_padded(key, ctx, pad(b"value") + bytes(1)))
    opening("padding-length-overruns", seal_padded(key, ctx, u32(61) + bytes(60)))
    opening("padding-length-huge", seal_padded(key, ctx, u32(0xffffffff) + bytes(60)))
    opening("padding-missing", seal_padded(key, ctx, u32(5) + b"value"))
    opening("padding-header-cut", seal_padded(key, ctx, b"\0\0"))
    opening("padding-empty", seal_padded(key, ctx, b""))
    opening("scheme-0", seal_padded(key, ctx, pad(b"value"), scheme=0))
    opening("scheme-2", seal_padded(key, ctx, pad(b"value"), scheme=2))
    opening("commitment-of-another-key", seal_padded(key, ctx, pad(b"value"), commitment=derive(b"j" * 32, ctx, b"s" * 32)[2]))
    opening("commitment-zero", seal_padded(key, ctx, pad(b"value"), commitment=bytes(32)))
    # Gcm without derivation: what an implementation that skipped the construction would write.
    salt = os.urandom(32)
    opening("key-used-directly", u8(1) + salt + bytes(32) + AESGCM(key).encrypt(bytes(12), pad(b"value"), ctx))

    key_id, secret = os.urandom(16), os.urandom(32)
    place = tuple(os.urandom(16) for _ in range(3))
    ek, wrap = os.urandom(32), key_wrap(key_id, secret)
    names = lp(b"shop") + lp(b"prod") + u8(1)

    def base(record=ek + names, generation=3):
        return {"key": token("sc_", key_id, secret), "account": place[0].hex(), "project": place[1].hex(), "environment": place[2].hex(),
                "generation": generation, "environment_key": b64(seal(wrap, context(5, *place, key_id, b"", generation), record))}

    def sealed(name=b"API_KEY", value=b"v\xc3\xa4lue", meta=u32(2) + lp(b"billing") + lp(b"production") + lp(b"n"), version=2, index=None):
        sid = os.urandom(16)
        index = index or name_index(ek, name.decode("latin-1"))
        return {"id": sid.hex(), "index": index.hex(), "version": version, "name": b64(seal(ek, context(2, *place, sid, index), name)),
                "meta": b64(seal(ek, context(3, *place, sid, index, version), meta)),
                "value": b64(seal(ek, context(1, *place, sid, index, version), value))}

    ok = {"names": {"project": "shop", "environment": "prod", "production": True},
          "secret": {"name": "API_KEY", "tags": ["billing", "production"], "note": "n", "value": b"v\xc3\xa4lue".hex()}}
    put("secret", {"op": "secret", **base(), "secret": sealed(), "outcome": "ok", "result": ok})
    bad_secrets = {
        "name-grammar": sealed(name=b"A-B"), "name-empty": sealed(name=b""), "name-newline": sealed(name=b"A\n"),
        "name-too-long": sealed(name=b"A" * 129), "name-of-another-index": sealed(index=name_index(ek, "OTHER")),
        "value-nul": sealed(value=b"a\0b"),
        "tags-unsorted": sealed(meta=u32(2) + lp(b"b") + lp(b"a") + lp(b"")), "tags-doubled": sealed(meta=u32(2) + lp(b"a") + lp(b"a") + lp(b"")),
        "tag-grammar": sealed(meta=u32(1) + lp(b"a b") + lp(b"")), "tags-too-many": sealed(meta=u32(17) + b"".join(lp(b"%02d" % i) for i in range(17)) + lp(b"")),
        "note-too-long": sealed(meta=u32(0) + lp(b"n" * 1025)), "note-not-utf8": sealed(meta=u32(0) + lp(b"\xff")),
        "meta-left-over": sealed(meta=u32(0) + lp(b"") + b"\0"), "meta-cut": sealed(meta=u32(0) + u32(9) + b"n"),
    }
    for name, s in bad_secrets.items():
        put(f"secret-{name}", {"op": "secret", **base(), "secret": s, "outcome": "open"})
    for name, record in {"left-over": ek + names + b"\0", "cut": ek + names[:-1], "flag": ek + names[:-1] + u8(2), "label": ek + lp(b"-a") + lp(b"b") + u8(0),
                         "short-key": ek[:31]}.items():
        put(f"environment-key-{name}", {"op": "secret", **base(record), "secret": sealed(), "outcome": "open"})

    def reading(entries, count=1, secrets=None, version=7, named=None, claimed=None, digest=None, number=None, rules=b""):
        index = name_index(ek, "API_KEY")
        number = int.from_bytes(index[:2], "big") * count // 65536 if number is None else number
        bucket = seal(ek, context(8, *place, b"bucket", u32(number)), u32(len(entries)) + b"".join(entries))
        digests = [digest or sha(bucket) if i == number else sha(b"%d" % i) for i in range(count)]
        root = u64(named or version) + u32(len(entries) if secrets is None else secrets) + u32(count) + b"".join(digests) + rules
        blob = seal(ek, context(8, *place, b"root", b"", version), root)
        return {"root": {"version": claimed or version, "blob": b64(blob)}, "bucket": b64(bucket)}

    s = sealed()
    entry = lambda s, **kw: bytes.fromhex(s["index"]) + bytes.fromhex(kw.get("id", s["id"])) + u64(kw.get("version", s["version"])) + kw.get("value", sha(unb64(s["value"]))) + bytes(32)
    other = sealed(name=b"OTHER")
    pair = sorted([entry(s), entry(other)])
    read = {"op": "read", **base(), "name": "API_KEY"}
    put("read", {**read, **reading(pair), "secret": s, "outcome": "ok", "result": {"secret": ok["secret"]}})
    put("read-of-four-buckets", {**read, **reading([entry(s)], count=4), "secret": s, "outcome": "ok", "result": {"secret": ok["secret"]}})
    put("read-absent", {**read, **reading([entry(other)]), "secret": None, "outcome": "ok", "result": {"secret": None}})
    for name, outcome, parts, served in [
        ("withheld", "missing", reading(pair), None), ("made-up", "unexpected", reading([entry(other)]), s),
        ("older-version", "not_current", reading([entry(s, version=3)]), s), ("other-id", "not_current", reading([entry(s, id="00" * 16)]), s),
        ("other-value", "not_current", reading([entry(s, value=bytes(32))]), s), ("other-secret", "not_current", reading(pair), other),
        ("bucket-digest", "wrong_bucket", reading(pair, digest=bytes(32)), s), ("buckets-three", "open", reading([entry(s)], count=3), s),
        ("buckets-none", "open", reading([entry(s)], count=0, number=0), s), ("root-other-version-inside", "open", reading(pair, named=6), s),
        ("root-other-version-claimed", "open", reading(pair, claimed=8), s), ("bucket-unsorted", "open", reading(pair[::-1]), s),
        ("bucket-doubled", "open", reading([entry(s), entry(s)]), s), ("bucket-entry-cut", "open", reading([entry(s)[:-1]]), s),
    ]:
        put(f"read-{name}", {**read, **parts, "secret": served, "outcome": outcome})
    stray = next(x for x in (sealed(name=b"S%d" % i) for i in range(200)) if int(x["index"][:4], 16) * 4 // 65536 != int(s["index"][:4], 16) * 4 // 65536)
    put("read-entry-in-wrong-bucket", {**read, **reading(sorted([entry(s), entry(stray)]), count=4), "secret": s, "outcome": "open"})

    code, account, ak = os.urandom(16), os.urandom(16), os.urandom(32)
    project, environment, kid = sorted(os.urandom(16) for _ in range(3))
    parts = [u32(1) + project + lp(b"shop"), u32(1) + environment + project + lp(b"dev") + u8(0) + u64(1),
             u32(1) + kid + lp(b"ci") + u32(9) + u64(0) + u8(1) + u32(1) + environment]
    manifest_json = {"version": 4, "projects": [{"id": project.hex(), "name": "shop"}],
                     "environments": [{"id": environment.hex(), "project": project.hex(), "name": "dev", "production": False, "generation": 1}],
                     "keys": [{"id": kid.hex(), "name": "ci", "permissions": ["read", "audit"], "expires_at": 0, "status": "active", "environments": [environment.hex()]}]}

    def recovering(manifest=u64(4) + b"".join(parts), record=None, version=4, **other):
        v = {"op": "recovery", "code": recovery_text(code), "account": account.hex(), "account_key": b64(seal(recovery_keys(code)[1], context(7, account), ak)),
             "manifest": {"version": version, "blob": b64(seal(ak, context(12, account, version=version), manifest))}, **other}
        if record is not None:
            v["record"] = {"id": kid.hex(), "blob": b64(seal(ak, context(11, account, subject=kid), record))}
        return v

    record = os.urandom(32) + lp(b"ci") + u32(9) + u64(0) + u32(1) + environment
    record_json = {"name": "ci", "permissions": ["read", "audit"], "expires_at": 0, "environments": [environment.hex()]}
    put("recovery", {**recovering(record=record), "outcome": "ok", "result": {"manifest": manifest_json, "record": record_json}})
    for name, v in {
        "manifest-version": recovering(version=5), "manifest-left-over": recovering(u64(4) + b"".join(parts) + b"\0"),
        "manifest-status": recovering(u64(4) + parts[0] + parts[1] + parts[2].replace(u64(0) + u8(1), u64(0) + u8(3))),
        "manifest-permission": recovering(u64(4) + parts[0] + parts[1] + parts[2].replace(u32(9) + u64(0), u32(32) + u64(0))),
        "manifest-project-doubled": recovering(u64(4) + u32(2) + parts[0][4:] * 2 + parts[1] + parts[2]),
        "record-permission": recovering(record=record.replace(u32(9) + u64(0), u32(64) + u64(0))), "record-left-over": recovering(record=record + b"\0"),
        "account-key-short": recovering(account_key=b64(seal(recovery_keys(code)[1], context(7, account), ak[:31]))),
        "other-account": recovering(account_key=b64(seal(recovery_keys(code)[1], context(7, bytes(16)), ak))),
        "kind-6-as-7": recovering(account_key=b64(seal(recovery_keys(code)[1], context(6, account), ak))),
    }.items():
        put(f"recovery-{name}", {**v, "outcome": "open"})

    kdf = {"salt": b64(os.urandom(16)), "memory_kib": 65536, "passes": 3, "lanes": 1}
    login, kek = stretch("pass phrase é", kdf)
    wrapped = b64(seal(kek, context(6, account, subject=passphrase_context("ada@example.com", kdf)), ak))
    v = {"op": "passphrase", "passphrase": "pass phrase e\u0301", "email": " Ada@Example.com ", "kdf": kdf, "account": account.hex(), "account_key": wrapped,
         "manifest": recovering()["manifest"]}
    put("passphrase", {**v, "outcome": "ok", "result": {"login": login.hex(), "manifest": manifest_json}})
    put("passphrase-other-email", {**v, "email": "eve@example.com", "outcome": "open"})
    put("passphrase-other-salt", {**v, "kdf": {**kdf, "salt": b64(os.urandom(16))}, "outcome": "open"})
    for field, value in [("memory_kib", 65535), ("memory_kib", 1048577), ("passes", 2), ("passes", 11), ("lanes", 0), ("lanes", 5)]:
        put(f"passphrase-{field}-{value}", {**v, "kdf": {**kdf, field: value}, "outcome": "kdf"})

    policy = u8(1) + u8(2) + u8(1) + u8(0) + u32(2) + lp(b"api.example.com") + lp(b"db.example.com") + u32(1) + lp(b"psql")
    policy_json = {"use": "ask", "reveal": "block", "production": True, "canary": False, "hosts": ["api.example.com", "db.example.com"], "commands": ["psql"]}

    def policing(data, version=5):
        sid, index = os.urandom(16), name_index(ek, "API_KEY")
        blob = seal(ek, context(13, *place, sid, index, version), data)
        return {"op": "policy", **base(), "policy": {"id": sid.hex(), "index": index.hex(), "version": version, "blob": b64(blob)}}

    put("policy", {**policing(policy), "outcome": "ok", "result": {"policy": policy_json}})
    put("policy-consent", {**policing(u8(3) + policy[1:]), "outcome": "open"})
    put("policy-hosts-unsorted", {**policing(policy[:4] + u32(2) + lp(b"b") + lp(b"a") + u32(0)), "outcome": "open"})
    put("policy-left-over", {**policing(policy + b"\0"), "outcome": "open"})
    rules = {"version": 2, "blob": b64(seal(ek, context(13, *place, b"rules", b"", 2), u32(1) + lp(b"production") + lp(policy)))}
    put("rules", {"op": "rules", **base(), "rules": rules, "outcome": "ok", "result": {"rules": [["production", policy_json]]}})
    put("rules-other-version", {"op": "rules", **base(), "rules": {**rules, "version": 3}, "outcome": "open"})
    digest = sha(unb64(rules["blob"]))
    put("read-beside-rules", {**read, **reading(pair, rules=digest), "secret": s, "outcome": "ok", "result": {"secret": ok["secret"]}})
    for name, after in {"zero": bytes(32), "short": digest[:31], "left-over": digest + b"\0"}.items():
        put(f"read-rules-digest-{name}", {**read, **reading(pair, rules=after), "secret": s, "outcome": "open"})
    current = {"op": "current_rules", **base(), "root": reading(pair, rules=digest)["root"], "rules": rules}
    put("current-rules", {**current, "outcome": "ok", "result": {"rules": [["production", policy_json]]}})
    put("current-rules-absent", {**current, "root": reading(pair)["root"], "rules": None, "outcome": "ok", "result": {"rules": None}})
    put("current-rules-withheld", {**current, "rules": None, "outcome": "missing"})
    put("current-rules-made-up", {**current, "root": reading(pair)["root"], "outcome": "not_current"})

    rows = [{"request_id": os.urandom(16).hex(), "at": 1764000000 + i, "cost": i % 2, "entry": f'{{"salt":"{os.urandom(16).hex()}","action":"r\u00e9ad {i}"}}'}
            for i in range(13)]
    for count_of, before in [(1, None), (2, None), (13, None), (7, audit_segment(place[0], None, [bytes(32)], 5))]:
        leaves = [audit_leaf(row) for row in rows[:count_of]]
        v = {"op": "audit", "account": place[0].hex(), "previous": before, "rows": rows[:count_of],
             "segment": audit_segment(place[0], before, leaves, 1764000100)}
        kind = f"audit-{count_of}-rows" if before is None else "audit-next-segment"
        put(kind, {**v, "outcome": "ok", "result": {"leaves": [leaf.hex() for leaf in leaves]}})
    v["previous"] = None
    put("audit-of-another-chain", {**v, "outcome": "audit"})
    print(f"made {count}")


if __name__ == "__main__":
    {"verify": lambda: verify(sys.argv[2:]), "make": lambda: make(sys.argv[2])}[sys.argv[1]]()
