-- Limits that are told once others have less: what a department's administrator shifts.
CREATE TABLE quota_raises (
    region   INTEGER NOT NULL,
    project  BLOB NOT NULL CHECK (length(project) = 16),
    service  TEXT NOT NULL,                -- the service's word, as in REST
    resource TEXT NOT NULL,                -- the cloud's own name of it
    most     INTEGER NOT NULL,             -- the limit, in the cloud's own unit
    givers   TEXT NOT NULL,                -- JSON: id in the directory and the cloud's, of each
    author   TEXT NOT NULL,
    source   TEXT NOT NULL,                -- from where he asked for it
    PRIMARY KEY (region, project, service, resource)
) WITHOUT ROWID;
