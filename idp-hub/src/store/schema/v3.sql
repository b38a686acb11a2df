-- How many records a region has here, and their bytes: what its limit is held against.
ALTER TABLE totals ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE totals SET (records, bytes) = (
    SELECT count(*), coalesce(sum(length(id) + length(value)), 0)
    FROM records WHERE records.region = totals.region
);
