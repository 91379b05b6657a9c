-- Everything human in these tables is sealed by clients (docs/protocol.md); ids and blind indexes are random
-- to whoever reads them. Sealed columns are base64url text, because D1 carries blobs as arrays of numbers.
-- Times are seconds since 1970. Numbered files like this one are only ever added, never edited.

-- What an account may use. A quota is refused by the triggers below, so no code path can pass it.
CREATE TABLE plans (
    name TEXT PRIMARY KEY,                 -- shown by `usage`
    projects INTEGER NOT NULL,             -- projects of an account
    keys INTEGER NOT NULL,                 -- API keys that are not revoked
    secrets INTEGER NOT NULL,              -- secrets of an account
    value_bytes INTEGER NOT NULL,          -- bytes of one value, before sealing
    reads INTEGER NOT NULL,                -- reads from midnight to midnight UTC
    audit_days INTEGER NOT NULL            -- how long audit rows are kept
) STRICT, WITHOUT ROWID;

INSERT INTO plans VALUES ('free', 3, 10, 50, 65536, 10000, 30);

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,                   -- immutable; hex, made by the client
    email_index TEXT NOT NULL UNIQUE,      -- MAC of the address under the pepper: finds the account, shows nothing
    email TEXT NOT NULL,                   -- the address, column-sealed
    salt TEXT NOT NULL,                    -- Argon2id's salt, public
    memory_kib INTEGER NOT NULL,           -- Argon2id's memory
    passes INTEGER NOT NULL,               -- Argon2id's passes
    lanes INTEGER NOT NULL,                -- Argon2id's lanes
    login_verifier TEXT NOT NULL,          -- MAC of the login token under the pepper
    account_key TEXT NOT NULL,             -- kind 6, column-sealed: a stolen table offers no passphrase to guess
    recovery_verifier TEXT NOT NULL,       -- MAC of the recovery authenticator under the pepper
    account_key_by_recovery TEXT NOT NULL, -- kind 7, column-sealed
    manifest_version INTEGER NOT NULL,     -- compare-and-set of the account manifest
    manifest TEXT NOT NULL,                -- kind 12 of that version
    created_at INTEGER NOT NULL            -- immutable
) STRICT, WITHOUT ROWID;

-- One small row for each account that every request may touch: the plan, the audit log's end, the counters.
-- The counters are written by triggers alone.
CREATE TABLE usage (
    account TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    plan TEXT NOT NULL REFERENCES plans (name),
    seq INTEGER NOT NULL DEFAULT 0,        -- of the newest audit row
    day INTEGER NOT NULL DEFAULT 0,        -- days since 1970 of the newest read
    reads INTEGER NOT NULL DEFAULT 0,      -- reads on that day
    projects INTEGER NOT NULL DEFAULT 0,
    keys INTEGER NOT NULL DEFAULT 0,
    secrets INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- API keys and sessions: who may ask. One kind of row, checked by one piece of SQL.
CREATE TABLE credentials (
    id TEXT PRIMARY KEY,                   -- immutable; hex, part of the token
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    class TEXT NOT NULL CHECK (class IN ('key', 'session')), -- immutable
    verifier TEXT NOT NULL,                -- MAC of the token under the pepper
    permissions INTEGER NOT NULL,          -- bits; a session may do everything
    environments TEXT NOT NULL,            -- ids in scope, joined by one space; a session has all
    expires_at INTEGER NOT NULL,           -- 0: never
    revoked_at INTEGER NOT NULL DEFAULT 0, -- 0: not revoked
    mac TEXT NOT NULL,                     -- of all the columns above, so that writing here grants nothing
    record TEXT,                           -- kind 11: the owner's copy of an API key's wrapping half
    created_at INTEGER NOT NULL            -- immutable
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_by_account ON credentials (account, id);

CREATE TABLE projects (
    id TEXT PRIMARY KEY,                   -- immutable; its name is in the account manifest
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL            -- immutable
) STRICT, WITHOUT ROWID;
CREATE INDEX projects_by_account ON projects (account, id);

CREATE TABLE environments (
    id TEXT PRIMARY KEY,                   -- immutable; its name is in the account manifest
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    project TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,           -- of the environment key, from 1
    owner_key TEXT NOT NULL,               -- kind 4 of that generation
    root_version INTEGER NOT NULL,         -- compare-and-set of the environment manifest
    root TEXT NOT NULL,                    -- kind 8 of that version
    buckets INTEGER NOT NULL,              -- how many buckets that root names
    created_at INTEGER NOT NULL            -- immutable
) STRICT, WITHOUT ROWID;
CREATE INDEX environments_by_account ON environments (account, id);

-- The environment key wrapped for each API key in scope.
CREATE TABLE grants (
    credential TEXT NOT NULL REFERENCES credentials (id) ON DELETE CASCADE,
    environment TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    environment_key TEXT NOT NULL,         -- kind 5
    PRIMARY KEY (credential, environment)
) STRICT, WITHOUT ROWID;

-- The lower level of each environment's manifest.
CREATE TABLE buckets (
    environment TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,               -- from 0
    blob TEXT NOT NULL,                    -- kind 8
    PRIMARY KEY (environment, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    environment TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    name_index TEXT NOT NULL,              -- blind index of the name
    id TEXT NOT NULL,                      -- immutable
    account TEXT NOT NULL,                 -- the environment's account, for the counters
    version INTEGER NOT NULL,              -- from 1, one more with each write
    name TEXT NOT NULL,                    -- kind 2
    meta TEXT NOT NULL,                    -- kind 3
    value TEXT NOT NULL,                   -- kind 1
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (environment, name_index)
) STRICT;

-- Every access and every refusal of a known credential. What it says is sealed; the rest is what SQL needs.
CREATE TABLE audit (
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,                  -- dense for each account, from 1
    at INTEGER NOT NULL,
    cost INTEGER NOT NULL,                 -- reads that it counts for
    request TEXT NOT NULL,                 -- the request's id; later statements of its batch ask for it
    entry TEXT NOT NULL,                   -- who, what, which, how, from where, result: column-sealed
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_advances_usage AFTER INSERT ON audit BEGIN
    UPDATE usage
    SET seq = NEW.seq,
        reads = (CASE WHEN day = NEW.at / 86400 THEN reads ELSE 0 END) + NEW.cost,
        day = CASE WHEN NEW.cost > 0 THEN NEW.at / 86400 ELSE day END
    WHERE account = NEW.account;
END;

CREATE TRIGGER projects_quota AFTER INSERT ON projects BEGIN
    UPDATE usage SET projects = projects + 1 WHERE account = NEW.account;
    SELECT RAISE(ABORT, 'quota:projects') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND u.projects > p.projects;
END;
CREATE TRIGGER projects_gone AFTER DELETE ON projects BEGIN
    UPDATE usage SET projects = projects - 1 WHERE account = OLD.account;
END;

CREATE TRIGGER keys_quota AFTER INSERT ON credentials WHEN NEW.class = 'key' BEGIN
    UPDATE usage SET keys = keys + 1 WHERE account = NEW.account;
    SELECT RAISE(ABORT, 'quota:keys') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND u.keys > p.keys;
END;
CREATE TRIGGER keys_revoked AFTER UPDATE OF revoked_at ON credentials
WHEN NEW.class = 'key' AND OLD.revoked_at = 0 AND NEW.revoked_at <> 0 BEGIN
    UPDATE usage SET keys = keys - 1 WHERE account = NEW.account;
END;
-- A revoked key does not work again.
CREATE TRIGGER keys_stay_revoked BEFORE UPDATE OF revoked_at ON credentials WHEN OLD.revoked_at <> 0 BEGIN
    SELECT RAISE(ABORT, 'revoked');
END;
CREATE TRIGGER keys_gone AFTER DELETE ON credentials WHEN OLD.class = 'key' AND OLD.revoked_at = 0 BEGIN
    UPDATE usage SET keys = keys - 1 WHERE account = OLD.account;
END;

-- A sealed value is its bytes padded to a multiple of 4096, 81 more, and a third for base64url.
CREATE TRIGGER secrets_quota AFTER INSERT ON secrets BEGIN
    UPDATE usage SET secrets = secrets + 1 WHERE account = NEW.account;
    SELECT RAISE(ABORT, 'quota:secrets') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND u.secrets > p.secrets;
    SELECT RAISE(ABORT, 'quota:value_bytes') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND length(NEW.value) * 3 / 4 > p.value_bytes + 4096 + 81;
    SELECT RAISE(ABORT, 'outdated') WHERE NEW.version <> 1;
END;
CREATE TRIGGER secrets_versions AFTER UPDATE ON secrets BEGIN
    SELECT RAISE(ABORT, 'quota:value_bytes') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND length(NEW.value) * 3 / 4 > p.value_bytes + 4096 + 81;
    SELECT RAISE(ABORT, 'outdated') WHERE NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id;
END;
CREATE TRIGGER secrets_gone AFTER DELETE ON secrets BEGIN
    UPDATE usage SET secrets = secrets - 1 WHERE account = OLD.account;
END;
