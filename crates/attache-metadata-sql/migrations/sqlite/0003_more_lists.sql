-- More lists: by number, and of what is about somebody or about nobody.

CREATE INDEX files_by_seq ON files (tenant_id, archived, seq, id);
CREATE INDEX files_of_person_by_seq
    ON files (tenant_id, person_id, archived, seq, id) WHERE person_id IS NOT NULL;

ALTER TABLE files
    ADD COLUMN has_person INTEGER NOT NULL GENERATED ALWAYS AS (person_id IS NOT NULL) VIRTUAL;
CREATE INDEX files_by_has_person ON files (tenant_id, has_person, archived, created_at, id);
