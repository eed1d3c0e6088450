-- The first schema: tenants, principals and keys, people, blobs, file records, and the outbox.
--
-- Times are milliseconds since 1970 UTC, ids are the 16 bytes of a UUID, texts are compared by bytes.
-- A row that refers to another names its tenant too, so that no reference can cross tenants.

CREATE TABLE tenants (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    slug       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

-- Who acts. `subject` is how the authenticator knows the principal, such as `key:{key id}`.
CREATE TABLE principals (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    name       TEXT,
    scopes     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, subject)
) STRICT;

-- For lists of one tenant's keys: the index holds the rowid, which is `seq`.
CREATE INDEX principals_by_tenant ON principals (tenant_id);

CREATE TABLE api_keys (
    key_id        TEXT NOT NULL PRIMARY KEY,
    principal_seq INTEGER NOT NULL UNIQUE REFERENCES principals (seq),
    secret_hash   BLOB NOT NULL CHECK (length(secret_hash) = 32),
    expires_at    INTEGER,
    revoked_at    INTEGER
) STRICT;

CREATE TABLE people (
    id         BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
    identifier TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant_id, identifier),
    UNIQUE (tenant_id, id)
) STRICT;

-- A blob has a lease while it is promised, its facts once it is referenced, and a time for the
-- reaper once its bytes are to go.
CREATE TABLE blobs (
    id           BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant_id    INTEGER NOT NULL REFERENCES tenants (id),
    storage_key  TEXT NOT NULL UNIQUE,
    state        TEXT NOT NULL CHECK (state IN ('staging', 'live', 'condemned', 'deleting', 'gone')),
    lease_token  BLOB,
    lease_until  INTEGER,
    size_bytes   INTEGER CHECK (size_bytes >= 0),
    sha256       BLOB CHECK (length(sha256) = 32),
    format       INTEGER NOT NULL DEFAULT 0,
    stored_bytes INTEGER CHECK (stored_bytes >= 0),
    wrapped_key  BLOB,
    created_at   INTEGER NOT NULL,
    reap_at      INTEGER,
    UNIQUE (tenant_id, id),
    CHECK ((state = 'staging') = (lease_until IS NOT NULL)),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK ((state IN ('deleting', 'gone')) = (reap_at IS NOT NULL)),
    CHECK (state NOT IN ('live', 'condemned')
        OR (size_bytes IS NOT NULL AND sha256 IS NOT NULL AND stored_bytes IS NOT NULL))
) STRICT;

-- One referenced copy of the same bytes in a tenant.
CREATE UNIQUE INDEX blobs_by_content ON blobs (tenant_id, sha256, size_bytes)
    WHERE state IN ('live', 'condemned');
CREATE INDEX blobs_by_lease ON blobs (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX blobs_condemned ON blobs (id) WHERE state = 'condemned';
CREATE INDEX blobs_by_reap_at ON blobs (reap_at) WHERE reap_at IS NOT NULL;

-- `size_bytes` and `sha256` are the blob's, repeated so that lists need no join.
CREATE TABLE files (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant_id     INTEGER NOT NULL REFERENCES tenants (id),
    blob_id       BLOB NOT NULL,
    person_id     BLOB,
    category      TEXT,
    name          TEXT NOT NULL,
    filename      TEXT NOT NULL,
    description   TEXT,
    content_type  TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    sha256        BLOB NOT NULL,
    visibility    TEXT NOT NULL CHECK (visibility IN ('private', 'public')),
    key           TEXT NOT NULL,
    used_at       INTEGER,
    used_by       TEXT,
    uploaded_by   INTEGER REFERENCES principals (seq),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    archived_at   INTEGER,
    held_at       INTEGER,
    revision      INTEGER NOT NULL DEFAULT 1,
    request_key   TEXT,
    request_index INTEGER,
    archived      INTEGER NOT NULL GENERATED ALWAYS AS (archived_at IS NOT NULL) VIRTUAL,
    used          INTEGER NOT NULL GENERATED ALWAYS AS (used_at IS NOT NULL) VIRTUAL,
    UNIQUE (tenant_id, key),
    FOREIGN KEY (tenant_id, blob_id) REFERENCES blobs (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people (tenant_id, id),
    CHECK ((used_at IS NULL) = (used_by IS NULL)),
    CHECK (used_at IS NULL OR archived_at IS NULL),
    CHECK ((request_key IS NULL) = (request_index IS NULL))
) STRICT;

-- Lists. `archived` stands before the sort value, so that a list of active records never walks over
-- archived ones; a list of both merges two walks.
CREATE INDEX files_by_created ON files (tenant_id, archived, created_at, id);
CREATE INDEX files_by_name ON files (tenant_id, archived, name, id);
CREATE INDEX files_by_size ON files (tenant_id, archived, size_bytes, id);
CREATE INDEX files_of_person_by_created
    ON files (tenant_id, person_id, archived, created_at, id) WHERE person_id IS NOT NULL;
CREATE INDEX files_of_person_by_name
    ON files (tenant_id, person_id, archived, name, id) WHERE person_id IS NOT NULL;
CREATE INDEX files_of_person_by_size
    ON files (tenant_id, person_id, archived, size_bytes, id) WHERE person_id IS NOT NULL;
CREATE INDEX files_of_category_by_created
    ON files (tenant_id, category, archived, created_at, id) WHERE category IS NOT NULL;
CREATE INDEX files_by_use ON files (tenant_id, used, archived, created_at, id);
CREATE INDEX files_by_sha256 ON files (tenant_id, sha256, archived, created_at, id);

-- Who refers to a blob, and which record an identical upload may be answered with.
CREATE INDEX files_by_blob
    ON files (tenant_id, blob_id, used, archived, person_id, category, visibility);
CREATE UNIQUE INDEX files_by_request ON files (tenant_id, request_key, request_index)
    WHERE request_key IS NOT NULL;

-- No record without its bytes, whatever program writes it.
CREATE TRIGGER files_refer_to_live_blobs BEFORE INSERT ON files
WHEN (SELECT state FROM blobs WHERE id = NEW.blob_id) IS NOT 'live'
BEGIN
    SELECT RAISE(ABORT, 'a file refers to a blob that is not live');
END;

CREATE TRIGGER blobs_are_kept_while_referenced BEFORE UPDATE OF state ON blobs
WHEN NEW.state IN ('deleting', 'gone')
    AND EXISTS (SELECT 1 FROM files WHERE tenant_id = NEW.tenant_id AND blob_id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'a blob that a file refers to cannot be deleted');
END;

-- What an event hook wrote with a change, for audit trails and webhooks.
CREATE TABLE outbox (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
    topic      TEXT NOT NULL,
    payload    BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
