-- The audit log, so that a change of it shows (docs/protocol.md, "The audit log"): each row keeps its leaf, and
-- rows are closed into segments, each of which names the hash of the one before.

-- The row's hash, hex. It may lie here in the open: a salt in the sealed entry keeps what the row says from
-- being guessed by it. Empty for rows that are older than this column; they get theirs when they are closed.
ALTER TABLE audit ADD COLUMN leaf TEXT NOT NULL DEFAULT '';

CREATE TABLE segments (
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    n INTEGER NOT NULL,                    -- dense for each account, from 1
    first INTEGER NOT NULL,                -- seq of its first row
    last INTEGER NOT NULL,                 -- seq of its last row
    root TEXT NOT NULL,                    -- Merkle root over the rows' leaves, hex
    previous TEXT NOT NULL,                -- hash of the segment before, hex; zeros in the first
    closed_at INTEGER NOT NULL,            -- its rows are kept for the plan's audit_days from then on
    hash TEXT NOT NULL,                    -- of everything above, hex; what clients pin
    PRIMARY KEY (account, n)
) STRICT, WITHOUT ROWID;

-- Finds the segment that has a row.
CREATE UNIQUE INDEX segments_by_last ON segments (account, last);

-- Of several who close at once, one does: the numbers are dense, and what does not follow the segment before is
-- none.
CREATE TRIGGER segments_follow BEFORE INSERT ON segments BEGIN
    SELECT RAISE(ABORT, 'segment:does not follow')
    WHERE NEW.last < NEW.first OR NEW.last > (SELECT seq FROM usage WHERE account = NEW.account)
        OR NOT CASE NEW.n
            WHEN 1 THEN NEW.first = 1 AND NEW.previous = '0000000000000000000000000000000000000000000000000000000000000000'
            ELSE EXISTS (SELECT 1 FROM segments s WHERE s.account = NEW.account AND s.n = NEW.n - 1
                AND s.last = NEW.first - 1 AND s.hash = NEW.previous)
        END;
END;
CREATE TRIGGER segments_stay BEFORE UPDATE ON segments BEGIN
    SELECT RAISE(ABORT, 'segment:stays as it is');
END;

-- Rows stay as they are, and go only with their account or, when they are old, from closed segments. An account
-- that is being deleted is gone already when its rows are.
CREATE TRIGGER segments_are_kept BEFORE DELETE ON segments
WHEN EXISTS (SELECT 1 FROM accounts WHERE id = OLD.account) BEGIN
    SELECT RAISE(ABORT, 'segment:is kept');
END;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'audit:stays as it is');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN EXISTS (SELECT 1 FROM accounts WHERE id = OLD.account) BEGIN
    SELECT RAISE(ABORT, 'audit:is not closed')
    WHERE OLD.seq > coalesce((SELECT last FROM segments WHERE account = OLD.account ORDER BY n DESC LIMIT 1), 0);
END;
