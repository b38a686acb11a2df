-- Small facts about this hub: federation, hub id, epoch.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- One row a region that ever joined. `no` stands in every row of `records`, so it is small.
CREATE TABLE regions (
    no              INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    standing        INTEGER NOT NULL,      -- 1 pending, 2 accepted, 3 removed
    key_fingerprint BLOB NOT NULL,         -- SHA-256 of the bound key
    cloud_kind      INTEGER NOT NULL,
    cloud_version   TEXT NOT NULL,
    cloud_endpoint  TEXT NOT NULL,
    software        TEXT NOT NULL,
    host            TEXT NOT NULL,
    joined_ms       INTEGER NOT NULL,
    accepted_ms     INTEGER,
    removed_ms      INTEGER,
    seen_ms         INTEGER NOT NULL,      -- when its session last ended, or its state changed
    not_after_s     INTEGER NOT NULL,      -- when its newest certificate expires
    recoveries      INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX regions_name ON regions (name) WHERE standing <> 3;
CREATE UNIQUE INDEX regions_key ON regions (key_fingerprint) WHERE standing <> 3;

-- Join tokens: only the secret's hash.
CREATE TABLE tokens (
    id          TEXT PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    region_name TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_by     BLOB,                      -- the fingerprint of the key that used it
    used_ms     INTEGER
) WITHOUT ROWID;

-- How far each feed of each region has got. Written in the transaction of its records.
CREATE TABLE feeds (
    region     INTEGER NOT NULL REFERENCES regions (no),
    feed       INTEGER NOT NULL,
    id         BLOB NOT NULL,
    seq        INTEGER NOT NULL,
    live       INTEGER NOT NULL,           -- 0 in the middle of a snapshot
    generation INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    fresh_ms   INTEGER NOT NULL,           -- when a batch last came
    PRIMARY KEY (region, feed)
) WITHOUT ROWID;

-- The newest value of each key of each state feed, encoded as it came.
-- With a rowid: rows of a kilobyte in the index's own tree cost three times as much to write.
CREATE TABLE records (
    region     INTEGER NOT NULL REFERENCES regions (no),
    kind       INTEGER NOT NULL,
    id         BLOB NOT NULL,
    generation INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    value      BLOB NOT NULL
);
CREATE UNIQUE INDEX records_key ON records (region, kind, id);

-- Running totals, as figures of eight bytes little-endian.
CREATE TABLE totals (
    region  INTEGER PRIMARY KEY REFERENCES regions (no),
    figures BLOB NOT NULL
);

-- Health samples as they came, for a day; and their means of five minutes, for a month.
CREATE TABLE samples (
    region INTEGER NOT NULL REFERENCES regions (no),
    at_ms  INTEGER NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (region, at_ms)
) WITHOUT ROWID;
CREATE TABLE means (
    region INTEGER NOT NULL REFERENCES regions (no),
    at_ms  INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (region, at_ms)
) WITHOUT ROWID;

-- Who may use the console and the API.
CREATE TABLE accounts (
    name          TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,           -- PHC string, argon2id
    created_ms    INTEGER NOT NULL,
    changed_ms    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (
    token_hash BLOB PRIMARY KEY,           -- SHA-256 of the cookie
    account    TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
