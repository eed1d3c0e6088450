-- Uploads: files that are promised before their bytes arrive.
--
-- The id is the one the record will have. A person is named as the caller did: by id, or by an
-- identifier that may be unknown until the upload completes. The staging blob is the one that the
-- client writes itself. It goes by its own lease, before or after this row, so it is no reference.

CREATE TABLE uploads (
    id                BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id         INTEGER NOT NULL REFERENCES tenants (id),
    person_id         BLOB,
    person_identifier TEXT,
    category          TEXT,
    name              TEXT,
    filename          TEXT NOT NULL,
    description       TEXT,
    content_type      TEXT NOT NULL,
    size_bytes        INTEGER CHECK (size_bytes >= 0),
    sha256            BLOB CHECK (length(sha256) = 32),
    visibility        TEXT NOT NULL CHECK (visibility IN ('private', 'public')),
    created_by        INTEGER REFERENCES principals (seq),
    offset_bytes      INTEGER NOT NULL DEFAULT 0 CHECK (offset_bytes >= 0),
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    completed_at      INTEGER,
    staging_blob_id   BLOB CHECK (length(staging_blob_id) = 16),
    staging_key       TEXT,
    staging_lease     BLOB CHECK (length(staging_lease) = 16),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people (tenant_id, id),
    CHECK (person_id IS NULL OR person_identifier IS NULL),
    CHECK ((staging_blob_id IS NULL) = (staging_key IS NULL)),
    CHECK ((staging_blob_id IS NULL) = (staging_lease IS NULL))
) STRICT;

-- For dropping those that expired.
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
