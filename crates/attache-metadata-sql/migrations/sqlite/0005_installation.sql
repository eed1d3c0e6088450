-- The identity that a database shares with its store, in one row. A store at a later generation has
-- seen a later state of the database.

CREATE TABLE installation (
    place       INTEGER PRIMARY KEY CHECK (place = 1),
    id          BLOB NOT NULL CHECK (length(id) = 16),
    generation  INTEGER NOT NULL CHECK (generation >= 0),
    signing_key TEXT,
    created_at  INTEGER NOT NULL
) STRICT;
