-- The directory, and what each region's things are of it: one feed a region, over one sequence.
-- A change gives its row a new `seq`, the head and one, and the head is kept in `facts`, so that it
-- never goes back. A binding comes before what it is about, and a lapse before its tombstone.
CREATE TABLE directory (
    seq    INTEGER PRIMARY KEY,
    region INTEGER NOT NULL,               -- 0: of all regions; else a binding of that one
    kind   INTEGER NOT NULL,               -- as record::kind_code: 64 to 73
    id     BLOB NOT NULL,                  -- as record::encode_id
    value  BLOB,                           -- the encoded record; NULL: a tombstone
    author TEXT NOT NULL,
    at_ms  INTEGER NOT NULL,
    epoch  INTEGER NOT NULL
);
CREATE UNIQUE INDEX directory_key ON directory (region, kind, id);
CREATE INDEX directory_feed ON directory (region, seq);

-- What the directory does not have any more, as it was last: nothing brings it back as new.
CREATE TABLE ended (
    id     BLOB PRIMARY KEY,               -- as record::encode_id
    kind   INTEGER NOT NULL,               -- as record::kind_code: 64 to 68
    value  BLOB NOT NULL,                  -- its last record
    how    INTEGER NOT NULL,               -- 1 deleted, 2 retired
    author TEXT NOT NULL,
    at_ms  INTEGER NOT NULL,
    epoch  INTEGER NOT NULL
);

-- How each region's organization was taken in.
CREATE TABLE region_organization (
    region    INTEGER PRIMARY KEY REFERENCES regions (no),
    digest    BLOB NOT NULL,               -- of its live bindings, 16 bytes
    merged_ms INTEGER,
    author    TEXT,
    plan      BLOB,                        -- the digest of the plan that was confirmed, 16 bytes
    is_home   INTEGER NOT NULL             -- 1: the first one, whose administrator is everybody's
);
CREATE UNIQUE INDEX region_organization_home ON region_organization (is_home) WHERE is_home = 1;

-- The feed's life; the highest `seq` that was ever given, as eight bytes little-endian; and the
-- digest of the live rows of region 0.
INSERT INTO facts (name, value) VALUES
    ('directory_feed_id', randomblob(16)),
    ('directory_head', zeroblob(8)),
    ('directory_digest', zeroblob(16));
