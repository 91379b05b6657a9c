-- Rows of old segments that are kept in the blob store, and rules for a whole environment.

-- How long the rows of a closed segment are kept in all. From `audit_days` on they are in the blob store; a plan that
-- has no more of these days than of those has no archive.
ALTER TABLE plans ADD COLUMN archive_days INTEGER NOT NULL DEFAULT 365;
UPDATE plans SET archive_days = 1825 WHERE name = 'team';

-- Rows up to this number are no longer kept at all.
ALTER TABLE usage ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
UPDATE usage SET dropped = coalesce((SELECT min(seq) FROM audit WHERE account = usage.account), seq + 1) - 1;

-- Segments whose rows are in the blob store, under audit/{account}/{n}: written there before they are named here. No
-- foreign key: what an account leaves in the blob store outlives it until it is swept.
CREATE TABLE archives (
    account TEXT NOT NULL,
    n INTEGER NOT NULL,                    -- the segment
    closed_at INTEGER NOT NULL,            -- when it was closed
    until INTEGER NOT NULL,                -- nobody reads it from then on, and it is deleted; 0: at once
    PRIMARY KEY (account, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX archives_by_until ON archives (until);

CREATE TRIGGER archives_follow_usage AFTER UPDATE OF plan ON usage BEGIN
    UPDATE archives SET until = closed_at + 86400 * (SELECT archive_days FROM plans WHERE name = NEW.plan)
    WHERE account = NEW.account;
END;
CREATE TRIGGER archives_follow_plans AFTER UPDATE OF archive_days ON plans BEGIN
    UPDATE archives SET until = closed_at + 86400 * NEW.archive_days
    WHERE account IN (SELECT account FROM usage WHERE plan = NEW.name);
END;

-- An account's archives go with it. So do those that a sweep wrote and has not named yet: of the oldest segments whose
-- rows are old enough, by the time of the account's newest row. A sweep writes at most 20.
CREATE TRIGGER archives_go BEFORE DELETE ON accounts BEGIN
    UPDATE archives SET until = 0 WHERE account = OLD.id;
    INSERT INTO archives (account, n, closed_at, until)
    SELECT s.account, s.n, s.closed_at, 0
    FROM usage u JOIN plans p ON p.name = u.plan JOIN audit a ON a.account = u.account AND a.seq = u.seq
    JOIN segments s ON s.account = u.account AND s.n >= (
        SELECT n FROM segments WHERE account = OLD.id AND last >= (SELECT min(seq) FROM audit WHERE account = OLD.id)
        ORDER BY last LIMIT 1)
    WHERE u.account = OLD.id AND s.closed_at <= a.at - p.audit_days * 86400
    ORDER BY s.n LIMIT 20;
END;

-- Rules for an environment: kind 13, and its own compare-and-set.
ALTER TABLE environments ADD COLUMN rules TEXT;
ALTER TABLE environments ADD COLUMN rules_version INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER environments_rules AFTER UPDATE OF rules_version ON environments BEGIN
    SELECT RAISE(ABORT, 'outdated') WHERE NEW.rules_version <> OLD.rules_version + 1;
END;
