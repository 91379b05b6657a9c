-- What agents ask a person for, where they have no other way: sealed questions, and the owner's sealed answers.
CREATE TABLE approvals (
    id TEXT PRIMARY KEY,                   -- drawn by who asks; who does not know it learns no answer
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    environment TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    credential TEXT NOT NULL,              -- the key that asks
    question TEXT NOT NULL,                -- kind 14, under the environment's key
    expires_at INTEGER NOT NULL            -- ten minutes after it was asked
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_by_account ON approvals (account, expires_at);
CREATE INDEX approvals_by_environment ON approvals (environment);
CREATE INDEX approvals_by_credential ON approvals (credential, expires_at);
-- For the sweep.
CREATE INDEX approvals_by_expiry ON approvals (expires_at);

CREATE TABLE approval_answers (
    id TEXT PRIMARY KEY REFERENCES approvals (id) ON DELETE CASCADE,
    answer TEXT NOT NULL                   -- kind 14, of that question
) STRICT, WITHOUT ROWID;
