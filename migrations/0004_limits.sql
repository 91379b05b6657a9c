-- Tries at a passphrase or a recovery code. A subject is a MAC under the pepper: of an account's address, or of that
-- and of who tries. So an address without an account has subjects too, and nothing here says which are which.
CREATE TABLE tries (
    subject TEXT PRIMARY KEY,
    since INTEGER NOT NULL,                -- when the first try of its quarter of an hour was
    count INTEGER NOT NULL                 -- tries since then that were not right
) STRICT, WITHOUT ROWID;
-- For the sweep of those that have passed.
CREATE INDEX tries_by_age ON tries (since);

-- Deleting a project or an environment finds what belongs to it, and looks at nothing of others.
CREATE INDEX environments_by_project ON environments (project);
CREATE INDEX grants_by_environment ON grants (environment);
