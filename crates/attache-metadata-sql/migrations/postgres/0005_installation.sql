-- The identity that a database shares with its store, in one row. A store at a later generation has
-- seen a later state of the database.

CREATE TABLE installation (
    place       BIGINT PRIMARY KEY CHECK (place = 1),
    id          UUID NOT NULL,
    generation  BIGINT NOT NULL CHECK (generation >= 0),
    signing_key TEXT COLLATE "C",
    created_at  BIGINT NOT NULL
);
