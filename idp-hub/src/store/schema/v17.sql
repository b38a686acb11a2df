-- What was gone by the database that a restore replaced, and not by the backup: for the next restore,
-- of the same backup or another one that has it, as by the database that was restored it is not
-- gone. The hub itself reads none of it.
CREATE TABLE brought_back (
    what    INTEGER NOT NULL,                  -- restore/earlier.rs: 1 to 4; 64 to 73: a record's kind
    id      BLOB NOT NULL,
    at      INTEGER NOT NULL,                  -- by which restore: unix ms, later than any before
    version INTEGER,                           -- of a password: no older one is good any more
    PRIMARY KEY (what, id)
) WITHOUT ROWID;
