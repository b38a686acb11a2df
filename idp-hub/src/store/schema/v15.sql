-- Which of the directory's things bear which marker of a federation that a region was taken over
-- from, by region: by these its other regions' are known.
CREATE TABLE taken_over (
    federation BLOB NOT NULL,
    marked BLOB NOT NULL,
    region INTEGER NOT NULL,
    object BLOB NOT NULL,
    PRIMARY KEY (federation, marked, region)
) WITHOUT ROWID;
-- No region vouches for a user who came so.
CREATE INDEX taken_over_object ON taken_over (object);
