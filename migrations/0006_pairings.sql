-- Machines that are being paired: a key, sealed by the owner for a machine that asked for it and fetches it.
CREATE TABLE pairings (
    id TEXT PRIMARY KEY,                   -- drawn by the machine; who does not know it finds nothing
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL,                  -- kind 9: opens with what the machine alone has
    expires_at INTEGER NOT NULL            -- ten minutes after it was left here
) STRICT, WITHOUT ROWID;
-- For the sweep, and for deleting an account.
CREATE INDEX pairings_by_expiry ON pairings (expires_at);
CREATE INDEX pairings_by_account ON pairings (account);
