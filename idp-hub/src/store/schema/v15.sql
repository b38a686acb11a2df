-- Which of the directory's things bear which marker of a federation that a region was taken over
-- from: by these its other regions' are known.
CREATE TABLE taken_over (
    federation BLOB NOT NULL,
    marked BLOB NOT NULL,
    object BLOB NOT NULL,
    PRIMARY KEY (federation, marked)
) WITHOUT ROWID;
