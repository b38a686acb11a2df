-- Totals of resources that are spread over the regions.
CREATE TABLE spreads (
    project  BLOB NOT NULL,                -- its id in the directory, 16 bytes
    service  TEXT NOT NULL,                -- the service's word, as in REST
    resource TEXT NOT NULL,                -- the cloud's own name of it
    total    INTEGER NOT NULL,             -- in the cloud's own unit
    author   TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    PRIMARY KEY (project, service, resource)
) WITHOUT ROWID;

-- What each region was told of them, as far as that may be in force there.
CREATE TABLE spread_shares (
    project  BLOB NOT NULL,
    service  TEXT NOT NULL,
    resource TEXT NOT NULL,
    region   INTEGER NOT NULL,
    told     TEXT NOT NULL,                -- JSON: limits, the newest last; null is no limit
    past     INTEGER NOT NULL,             -- what its use comes from
    since_ms INTEGER,                      -- as of when; NULL: it did not grow lately
    PRIMARY KEY (project, service, resource, region),
    FOREIGN KEY (project, service, resource) REFERENCES spreads ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX spread_shares_region ON spread_shares (region);
