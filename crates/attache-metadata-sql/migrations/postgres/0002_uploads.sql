-- Uploads: files that are promised before their bytes arrive.
--
-- The id is the one the record will have. A person is named as the caller did: by id, or by an
-- identifier that may be unknown until the upload completes. The staging blob is the one that the
-- client writes itself. It goes by its own lease, before or after this row, so it is no reference.

CREATE TABLE uploads (
    id                UUID PRIMARY KEY,
    tenant_id         BIGINT NOT NULL REFERENCES tenants (id),
    person_id         UUID,
    person_identifier TEXT COLLATE "C",
    category          TEXT COLLATE "C",
    name              TEXT COLLATE "C",
    filename          TEXT COLLATE "C" NOT NULL,
    description       TEXT COLLATE "C",
    content_type      TEXT COLLATE "C" NOT NULL,
    size_bytes        BIGINT CHECK (size_bytes >= 0),
    sha256            BYTEA CHECK (octet_length(sha256) = 32),
    visibility        TEXT COLLATE "C" NOT NULL CHECK (visibility IN ('private', 'public')),
    created_by        BIGINT REFERENCES principals (seq),
    offset_bytes      BIGINT NOT NULL DEFAULT 0 CHECK (offset_bytes >= 0),
    created_at        BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    completed_at      BIGINT,
    staging_blob_id   UUID,
    staging_key       TEXT COLLATE "C",
    staging_lease     UUID,
    FOREIGN KEY (tenant_id, person_id) REFERENCES people (tenant_id, id),
    CHECK (person_id IS NULL OR person_identifier IS NULL),
    CHECK ((staging_blob_id IS NULL) = (staging_key IS NULL)),
    CHECK ((staging_blob_id IS NULL) = (staging_lease IS NULL))
);

-- For dropping those that expired.
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
