-- Numbers of files per tenant, so that no tenant can count another's. Files that have a number keep it, and
-- new ones continue behind all of them: a number is never given twice.
--
-- The same row gives creation times, each later than the one before: whoever has seen all files up to one
-- finds every later one behind it.

CREATE TABLE tenant_sequences (
    tenant_id       INTEGER PRIMARY KEY REFERENCES tenants (id),
    last_seq        INTEGER NOT NULL CHECK (last_seq >= 0),
    last_created_at INTEGER NOT NULL
) STRICT;

INSERT INTO tenant_sequences (tenant_id, last_seq, last_created_at)
SELECT
    id,
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'files'), 0),
    coalesce((SELECT max(created_at) FROM files WHERE tenant_id = tenants.id), 0)
FROM tenants;

-- The number was the rowid, which is one for all tenants and nothing else from now on.
DROP INDEX files_by_seq;
DROP INDEX files_of_person_by_seq;
ALTER TABLE files RENAME COLUMN seq TO row_number;
ALTER TABLE files ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE files SET seq = row_number;

CREATE UNIQUE INDEX files_by_number ON files (tenant_id, seq);
CREATE INDEX files_by_seq ON files (tenant_id, archived, seq, id);
CREATE INDEX files_of_person_by_seq
    ON files (tenant_id, person_id, archived, seq, id) WHERE person_id IS NOT NULL;
