-- The users who are cloud administrators: what the directory's assignments say, to be found by one
-- look at each of a user's requests.
CREATE TABLE administrators (
    user BLOB PRIMARY KEY CHECK (length(user) = 16)
) WITHOUT ROWID;
