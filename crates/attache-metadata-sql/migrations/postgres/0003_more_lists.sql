-- More lists: by number, and of what is about somebody or about nobody.

-- `seq` under a name that only the lists know. By `seq` itself the planner would also walk the primary
-- key, over the files of every tenant.
ALTER TABLE files ADD COLUMN number BIGINT NOT NULL GENERATED ALWAYS AS (seq) STORED;
CREATE INDEX files_by_seq ON files (tenant_id, archived_of_all, number, id);
CREATE INDEX files_of_person_by_seq
    ON files (tenant_id, person_id, archived, number, id) WHERE person_id IS NOT NULL;

-- A column of its own, so that no list of one person's files fits the index.
ALTER TABLE files
    ADD COLUMN has_person BOOLEAN NOT NULL GENERATED ALWAYS AS (person_id IS NOT NULL) STORED;
CREATE INDEX files_by_has_person ON files (tenant_id, has_person, archived, created_at, id);
