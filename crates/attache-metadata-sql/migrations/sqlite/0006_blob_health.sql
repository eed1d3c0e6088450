-- The health of blobs: what was found wrong with the stored bytes of a live one, and when. Both are
-- NULL for as long as nothing was.

ALTER TABLE blobs ADD COLUMN fault TEXT
    CHECK (fault IN ('missing', 'wrong-size', 'wrong-digest', 'unreadable'));
ALTER TABLE blobs ADD COLUMN fault_seen_at INTEGER
    CHECK ((fault IS NULL) = (fault_seen_at IS NULL));
