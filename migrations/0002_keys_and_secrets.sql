-- API keys that are rotated, and that some addresses alone may use. Secrets with a history, a bin and a policy,
-- and values too large for a row.

-- Versions of a secret that are kept beside the current one. An environment's bin holds as many as `secrets` allows.
ALTER TABLE plans ADD COLUMN versions INTEGER NOT NULL DEFAULT 20;
INSERT INTO plans VALUES ('team', 50, 200, 2000, 524288, 1000000, 365, 100);

-- The plan's daily reads beside their counter: the hot statement saves the look-up of the plan.
ALTER TABLE usage ADD COLUMN reads_allowed INTEGER NOT NULL DEFAULT 0;
UPDATE usage SET reads_allowed = (SELECT reads FROM plans WHERE name = usage.plan);
CREATE TRIGGER usage_takes_plan AFTER INSERT ON usage BEGIN
    UPDATE usage SET reads_allowed = (SELECT reads FROM plans WHERE name = NEW.plan) WHERE account = NEW.account;
END;
CREATE TRIGGER usage_changes_plan AFTER UPDATE OF plan ON usage BEGIN
    UPDATE usage SET reads_allowed = (SELECT reads FROM plans WHERE name = NEW.plan) WHERE account = NEW.account;
END;
CREATE TRIGGER plans_change AFTER UPDATE OF reads ON plans BEGIN
    UPDATE usage SET reads_allowed = NEW.reads WHERE plan = NEW.name;
END;

-- JSON: [{"range": "10.0.0.0/8", "first": …, "last": …}], both ends as 32 hex digits of IPv6; empty: every address.
ALTER TABLE credentials ADD COLUMN addresses TEXT NOT NULL DEFAULT '';
-- 1: another key takes its place; it works until it expires and counts no more.
ALTER TABLE credentials ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
-- Seconds; 0: never. Not covered by the MAC, and neither is the next: nothing is granted by them.
ALTER TABLE credentials ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
-- Tenths of a second since 1970: the time at which all its requests so far would have come at the allowed pace.
ALTER TABLE credentials ADD COLUMN paced INTEGER NOT NULL DEFAULT 0;

-- Who asked: what the trigger below counts for. The entry says it too, sealed.
ALTER TABLE audit ADD COLUMN credential TEXT;
CREATE TRIGGER audit_paces_credential AFTER INSERT ON audit WHEN NEW.credential IS NOT NULL BEGIN
    UPDATE credentials SET paced = max(paced, NEW.at * 10) + 1, used_at = NEW.at WHERE id = NEW.credential;
END;

DROP TRIGGER keys_revoked;
CREATE TRIGGER keys_revoked AFTER UPDATE OF revoked_at ON credentials
WHEN NEW.class = 'key' AND OLD.replaced = 0 AND OLD.revoked_at = 0 AND NEW.revoked_at <> 0 BEGIN
    UPDATE usage SET keys = keys - 1 WHERE account = NEW.account;
END;
DROP TRIGGER keys_gone;
CREATE TRIGGER keys_gone AFTER DELETE ON credentials
WHEN OLD.class = 'key' AND OLD.replaced = 0 AND OLD.revoked_at = 0 BEGIN
    UPDATE usage SET keys = keys - 1 WHERE account = OLD.account;
END;
-- A key is replaced once, while it works.
CREATE TRIGGER keys_replaced AFTER UPDATE OF replaced ON credentials BEGIN
    SELECT RAISE(ABORT, 'revoked') WHERE OLD.replaced <> 0 OR OLD.revoked_at <> 0;
    UPDATE usage SET keys = keys - 1 WHERE account = NEW.account;
END;

ALTER TABLE secrets ADD COLUMN blob TEXT;                          -- where the sealed value is, when it is no row's: value is '' then
ALTER TABLE secrets ADD COLUMN size INTEGER NOT NULL DEFAULT 0;    -- its bytes, sealed
ALTER TABLE secrets ADD COLUMN policy TEXT;                        -- kind 13
ALTER TABLE secrets ADD COLUMN policy_version INTEGER NOT NULL DEFAULT 0; -- compare-and-set of the policy
ALTER TABLE secrets ADD COLUMN canary INTEGER NOT NULL DEFAULT 0;  -- 1: a key that reads it is revoked

-- What a secret was before. Kept for secrets that are there or in the bin.
CREATE TABLE versions (
    environment TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,                  -- the secret's id
    version INTEGER NOT NULL,
    name TEXT NOT NULL,                    -- kind 2
    meta TEXT NOT NULL,                    -- kind 3
    value TEXT NOT NULL,                   -- kind 1
    blob TEXT,                             -- as in secrets
    size INTEGER NOT NULL,                 -- as in secrets
    updated_at INTEGER NOT NULL,           -- when it was written
    PRIMARY KEY (environment, secret, version)
) STRICT;

-- Deleted secrets, for 30 days.
CREATE TABLE bin (
    environment TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    name_index TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,                    -- kind 2
    meta TEXT NOT NULL,                    -- kind 3
    value TEXT NOT NULL,                   -- kind 1
    blob TEXT,                             -- as in secrets
    size INTEGER NOT NULL,                 -- as in secrets
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL,
    deleted_by INTEGER NOT NULL,           -- the number of the audit row of its deletion
    PRIMARY KEY (environment, id)
) STRICT;
CREATE INDEX bin_by_age ON bin (deleted_at);

-- For the sweep of blobs that no row names.
CREATE INDEX secrets_by_blob ON secrets (blob) WHERE blob IS NOT NULL;
CREATE INDEX versions_by_blob ON versions (blob) WHERE blob IS NOT NULL;
CREATE INDEX bin_by_blob ON bin (blob) WHERE blob IS NOT NULL;
-- For the sweep of sessions that have ended.
CREATE INDEX sessions_by_end ON credentials (expires_at) WHERE class = 'session';

DROP TRIGGER secrets_quota;
CREATE TRIGGER secrets_quota AFTER INSERT ON secrets BEGIN
    UPDATE usage SET secrets = secrets + 1 WHERE account = NEW.account;
    SELECT RAISE(ABORT, 'quota:secrets') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND u.secrets > p.secrets;
    SELECT RAISE(ABORT, 'quota:value_bytes') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND max(length(NEW.value) * 3 / 4, NEW.size) > p.value_bytes + 4096 + 81;
    -- A secret begins at 1, or goes on where it was when it was deleted.
    SELECT RAISE(ABORT, 'outdated') WHERE NEW.version <> 1
        + coalesce((SELECT version FROM bin WHERE environment = NEW.environment AND id = NEW.id), 0);
    INSERT INTO versions (environment, secret, version, name, meta, value, blob, size, updated_at)
    SELECT environment, id, version, name, meta, value, blob, size, updated_at FROM bin
    WHERE environment = NEW.environment AND id = NEW.id;
    DELETE FROM bin WHERE environment = NEW.environment AND id = NEW.id;
END;
DROP TRIGGER secrets_versions;
CREATE TRIGGER secrets_versions AFTER UPDATE OF version ON secrets BEGIN
    SELECT RAISE(ABORT, 'quota:value_bytes') FROM usage u JOIN plans p ON p.name = u.plan
    WHERE u.account = NEW.account AND max(length(NEW.value) * 3 / 4, NEW.size) > p.value_bytes + 4096 + 81;
    SELECT RAISE(ABORT, 'outdated') WHERE NEW.version <> OLD.version + 1 OR NEW.id <> OLD.id;
    INSERT INTO versions (environment, secret, version, name, meta, value, blob, size, updated_at)
    VALUES (OLD.environment, OLD.id, OLD.version, OLD.name, OLD.meta, OLD.value, OLD.blob, OLD.size, OLD.updated_at);
    DELETE FROM versions WHERE environment = OLD.environment AND secret = OLD.id AND version <= OLD.version
        - (SELECT p.versions FROM usage u JOIN plans p ON p.name = u.plan WHERE u.account = NEW.account);
END;
CREATE TRIGGER secrets_policy AFTER UPDATE OF policy_version ON secrets BEGIN
    SELECT RAISE(ABORT, 'outdated') WHERE NEW.policy_version <> OLD.policy_version + 1;
END;
DROP TRIGGER secrets_gone;
CREATE TRIGGER secrets_gone AFTER DELETE ON secrets BEGIN
    UPDATE usage SET secrets = secrets - 1 WHERE account = OLD.account;
    -- Not where the whole environment goes. When and by what is written down by the batch that deletes.
    INSERT INTO bin (environment, id, name_index, version, name, meta, value, blob, size, updated_at, deleted_at, deleted_by)
    SELECT OLD.environment, OLD.id, OLD.name_index, OLD.version, OLD.name, OLD.meta, OLD.value, OLD.blob, OLD.size,
        OLD.updated_at, 0, 0
    WHERE EXISTS (SELECT 1 FROM environments WHERE id = OLD.environment);
    DELETE FROM bin WHERE environment = OLD.environment AND id IN (
        SELECT id FROM bin WHERE environment = OLD.environment ORDER BY deleted_at = 0 DESC, deleted_at DESC
        LIMIT -1 OFFSET (SELECT p.secrets FROM usage u JOIN plans p ON p.name = u.plan WHERE u.account = OLD.account));
END;
CREATE TRIGGER bin_emptied AFTER DELETE ON bin WHEN NOT EXISTS (
    SELECT 1 FROM secrets WHERE environment = OLD.environment AND name_index = OLD.name_index AND id = OLD.id
) BEGIN
    DELETE FROM versions WHERE environment = OLD.environment AND secret = OLD.id;
END;

-- A new environment key on its way: what is sealed anew waits here until the environment turns to it at once.
CREATE TABLE rotations (
    environment TEXT PRIMARY KEY REFERENCES environments (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,           -- of the new key
    owner_key TEXT NOT NULL,               -- kind 4 of that generation
    started_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE resealed (
    environment TEXT NOT NULL REFERENCES rotations (environment) ON DELETE CASCADE,
    secret TEXT NOT NULL,                  -- the secret's id
    version INTEGER NOT NULL,
    name_index TEXT NOT NULL,              -- under the new key
    name TEXT NOT NULL,                    -- kind 2
    meta TEXT NOT NULL,                    -- kind 3
    value TEXT NOT NULL,                   -- kind 1
    blob TEXT,                             -- as in secrets
    size INTEGER NOT NULL,                 -- as in secrets
    policy TEXT,                           -- kind 13
    policy_version INTEGER NOT NULL,
    PRIMARY KEY (environment, secret, version)
) STRICT;
CREATE INDEX resealed_by_blob ON resealed (blob) WHERE blob IS NOT NULL;

-- An environment turns to a key only when everything in it is sealed anew.
CREATE TRIGGER environments_turn BEFORE UPDATE OF generation ON environments BEGIN
    SELECT RAISE(ABORT, 'outdated') WHERE NOT EXISTS
        (SELECT 1 FROM rotations WHERE environment = NEW.id AND generation = NEW.generation)
    OR EXISTS (SELECT 1 FROM secrets s WHERE s.environment = NEW.id AND NOT EXISTS (
        SELECT 1 FROM resealed r WHERE r.environment = NEW.id AND r.secret = s.id AND r.version = s.version
        AND r.policy_version = s.policy_version))
    OR EXISTS (SELECT 1 FROM versions v WHERE v.environment = NEW.id AND NOT EXISTS (
        SELECT 1 FROM resealed r WHERE r.environment = NEW.id AND r.secret = v.secret AND r.version = v.version))
    OR EXISTS (SELECT 1 FROM bin b WHERE b.environment = NEW.id AND NOT EXISTS (
        SELECT 1 FROM resealed r WHERE r.environment = NEW.id AND r.secret = b.id AND r.version = b.version));
END;
