-- The audit trail. Where it begins and its newest entry stand among the facts, each as a number and
-- a link. An entry is as it was encoded, and nothing of it stands anywhere else.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,            -- from 1, without gaps
    entry  BLOB NOT NULL,
    link   BLOB NOT NULL CHECK (length(link) = 32)
);
