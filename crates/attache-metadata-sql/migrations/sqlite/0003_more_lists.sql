-- More lists: by number, and of what is about somebody or about nobody.

CREATE INDEX files_by_seq ON files (tenant_id, archived, seq, id);
CREATE INDEX files_of_person_by_seq
    ON files (tenant_id, person_id, archived, seq, id) WHERE person_id IS NOT NULL;

-- A file is in one of the two. They begin as `files_by_created` does, but never walk over the others.
CREATE INDEX files_about_somebody
    ON files (tenant_id, archived, created_at, id) WHERE person_id IS NOT NULL;
CREATE INDEX files_about_nobody
    ON files (tenant_id, archived, created_at, id) WHERE person_id IS NULL;
