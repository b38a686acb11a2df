-- Windows of five minutes in which a sample came since their mean was last computed.
CREATE TABLE windows (
    at_ms  INTEGER NOT NULL,
    region INTEGER NOT NULL REFERENCES regions (no),
    PRIMARY KEY (at_ms, region)
) WITHOUT ROWID;
INSERT INTO windows (at_ms, region)
    SELECT DISTINCT at_ms - at_ms % 300000, region FROM samples;

-- How often each API did not answer within a mean's window, such as "compute=2,volume=1".
ALTER TABLE means ADD COLUMN failures TEXT NOT NULL DEFAULT '';
