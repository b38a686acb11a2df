-- From where users of the directory signed in lately: where a hub that is started anew knows them. So
-- many of each and of all, whatever the audit trail has room for.
CREATE TABLE places (
    user  BLOB NOT NULL,
    place BLOB NOT NULL,                       -- an address: 4 bytes, or 16, of which 8 are the site
    day   INTEGER NOT NULL,                    -- of the last sign-in: days since 1970
    PRIMARY KEY (user, place)
) WITHOUT ROWID;

CREATE INDEX places_by_day ON places (day);
