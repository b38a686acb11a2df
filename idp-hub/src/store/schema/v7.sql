-- Passwords of the directory's users. Those that are sealed to regions are rows of `directory`, of
-- kind 77: what a region has not got, or for a password that is not the user's any more, is none.
CREATE TABLE passwords (
    user    BLOB PRIMARY KEY,              -- his id in the directory, 16 bytes
    hash    TEXT NOT NULL,                 -- PHC string, argon2id
    version INTEGER NOT NULL,              -- when it was set, unix ms; rises with each
    author  TEXT NOT NULL,                 -- by whom
    region  INTEGER                        -- which region's cloud he had it in before
) WITHOUT ROWID;

-- By what a sign-in finds departments and users: those that are live.
CREATE TABLE names (
    id         BLOB PRIMARY KEY,           -- 16 bytes
    name       TEXT NOT NULL,
    department BLOB                        -- a user's; NULL: it is a department
) WITHOUT ROWID;
CREATE INDEX names_key ON names (name, department);

-- Which user of a region's cloud is which of the directory, in the order in which they became it.
CREATE TABLE bound (
    user   BLOB NOT NULL,                  -- his id in the directory, 16 bytes
    region INTEGER NOT NULL,
    here   TEXT NOT NULL                   -- what the cloud calls him
);
CREATE UNIQUE INDEX bound_key ON bound (user, region);
CREATE INDEX bound_here ON bound (region, here);

-- A session is an account's of the hub, or a user's of the directory.
CREATE TABLE sessions_of_both (
    token_hash BLOB PRIMARY KEY,           -- SHA-256 of the cookie
    account    TEXT REFERENCES accounts (name) ON DELETE CASCADE,
    user       BLOB,                       -- 16 bytes
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    CHECK ((account IS NULL) <> (user IS NULL))
) WITHOUT ROWID;
INSERT INTO sessions_of_both SELECT token_hash, account, NULL, created_ms, expires_ms FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_of_both RENAME TO sessions;
CREATE INDEX sessions_user ON sessions (user) WHERE user IS NOT NULL;
