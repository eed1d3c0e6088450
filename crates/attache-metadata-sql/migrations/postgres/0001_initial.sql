-- The first schema: tenants, principals and keys, people, blobs, file records, and the outbox.
--
-- Times are milliseconds since 1970 UTC. Every text is compared and ordered by bytes, whatever the
-- database's locale. A row that refers to another names its tenant too, so that no reference can
-- cross tenants.

-- The database's clock, which leases and the reaper go by: when the transaction began, which an index
-- may be searched with, and the very moment.
CREATE FUNCTION database_now() RETURNS BIGINT LANGUAGE sql STABLE
    AS $$ SELECT (extract(epoch FROM now()) * 1000)::bigint $$;
CREATE FUNCTION database_clock() RETURNS BIGINT LANGUAGE sql VOLATILE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

CREATE TABLE tenants (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- Who acts. `subject` is how the authenticator knows the principal, such as `key:{key id}`.
CREATE TABLE principals (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  BIGINT NOT NULL REFERENCES tenants (id),
    kind       TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C",
    scopes     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, subject)
);

-- For lists of one tenant's keys.
CREATE INDEX principals_by_tenant ON principals (tenant_id, seq);

CREATE TABLE api_keys (
    key_id        TEXT COLLATE "C" PRIMARY KEY,
    principal_seq BIGINT NOT NULL UNIQUE REFERENCES principals (seq),
    secret_hash   BYTEA NOT NULL CHECK (octet_length(secret_hash) = 32),
    expires_at    BIGINT,
    revoked_at    BIGINT
);

CREATE TABLE people (
    id         UUID PRIMARY KEY,
    tenant_id  BIGINT NOT NULL REFERENCES tenants (id),
    identifier TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, identifier),
    UNIQUE (tenant_id, id)
);

-- A blob has a lease while it is promised, its facts once it is referenced, and a time for the
-- reaper once its bytes are to go.
CREATE TABLE blobs (
    id           UUID PRIMARY KEY,
    tenant_id    BIGINT NOT NULL REFERENCES tenants (id),
    storage_key  TEXT COLLATE "C" NOT NULL UNIQUE,
    state        TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('staging', 'live', 'condemned', 'deleting', 'gone')),
    lease_token  UUID,
    lease_until  BIGINT,
    size_bytes   BIGINT CHECK (size_bytes >= 0),
    sha256       BYTEA CHECK (octet_length(sha256) = 32),
    format       BIGINT NOT NULL DEFAULT 0,
    stored_bytes BIGINT CHECK (stored_bytes >= 0),
    wrapped_key  BYTEA,
    created_at   BIGINT NOT NULL,
    reap_at      BIGINT,
    UNIQUE (tenant_id, id),
    CHECK ((state = 'staging') = (lease_until IS NOT NULL)),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK ((state IN ('deleting', 'gone')) = (reap_at IS NOT NULL)),
    CHECK (state NOT IN ('live', 'condemned')
        OR (size_bytes IS NOT NULL AND sha256 IS NOT NULL AND stored_bytes IS NOT NULL))
);

-- One referenced copy of the same bytes in a tenant.
CREATE UNIQUE INDEX blobs_by_content ON blobs (tenant_id, sha256, size_bytes)
    WHERE state IN ('live', 'condemned');
CREATE INDEX blobs_by_lease ON blobs (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX blobs_condemned ON blobs (id) WHERE state = 'condemned';
CREATE INDEX blobs_by_reap_at ON blobs (reap_at) WHERE reap_at IS NOT NULL;

-- `size_bytes` and `sha256` are the blob's, repeated so that lists need no join.
CREATE TABLE files (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            UUID NOT NULL UNIQUE,
    tenant_id     BIGINT NOT NULL REFERENCES tenants (id),
    blob_id       UUID NOT NULL,
    person_id     UUID,
    category      TEXT COLLATE "C",
    name          TEXT COLLATE "C" NOT NULL,
    filename      TEXT COLLATE "C" NOT NULL,
    description   TEXT COLLATE "C",
    content_type  TEXT COLLATE "C" NOT NULL,
    size_bytes    BIGINT NOT NULL,
    sha256        BYTEA NOT NULL,
    visibility    TEXT COLLATE "C" NOT NULL CHECK (visibility IN ('private', 'public')),
    key           TEXT COLLATE "C" NOT NULL,
    used_at       BIGINT,
    used_by       TEXT COLLATE "C",
    uploaded_by   BIGINT REFERENCES principals (seq),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    archived_at   BIGINT,
    held_at       BIGINT,
    revision      BIGINT NOT NULL DEFAULT 1,
    request_key   TEXT COLLATE "C",
    request_index BIGINT,
    archived      BOOLEAN NOT NULL GENERATED ALWAYS AS (archived_at IS NOT NULL) STORED,
    used          BOOLEAN NOT NULL GENERATED ALWAYS AS (used_at IS NOT NULL) STORED,
    -- The same as `archived`, for the indexes of all of a tenant's files.
    archived_of_all BOOLEAN NOT NULL GENERATED ALWAYS AS (archived_at IS NOT NULL) STORED,
    UNIQUE (tenant_id, key),
    FOREIGN KEY (tenant_id, blob_id) REFERENCES blobs (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people (tenant_id, id),
    CHECK ((used_at IS NULL) = (used_by IS NULL)),
    CHECK (used_at IS NULL OR archived_at IS NULL),
    CHECK ((request_key IS NULL) = (request_index IS NULL))
);

-- Lists. `archived` stands before the sort value, so that a list of active records never walks over
-- archived ones; a list of both merges two walks.
--
-- A list of a person's files could be answered from the index of all files as well, by walking over
-- everybody else's; where the person has many, the planner cannot tell which of the two is short. So
-- the indexes of all files know archived files by another column, which a list with a person, a
-- category, a use or bytes does not ask for: they do not have its order, whatever the statistics.
CREATE INDEX files_by_created ON files (tenant_id, archived_of_all, created_at, id);
CREATE INDEX files_by_name ON files (tenant_id, archived_of_all, name, id);
CREATE INDEX files_by_size ON files (tenant_id, archived_of_all, size_bytes, id);
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

-- No record without its bytes, whatever program writes it. The lock keeps the blob as it was seen
-- until the record is committed.
CREATE FUNCTION files_refer_to_live_blobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM blobs WHERE id = NEW.blob_id AND state = 'live' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a file refers to a blob that is not live' USING ERRCODE = '23001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER files_refer_to_live_blobs BEFORE INSERT OR UPDATE OF blob_id ON files
    FOR EACH ROW EXECUTE FUNCTION files_refer_to_live_blobs();

CREATE FUNCTION blobs_are_kept_while_referenced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM files WHERE tenant_id = NEW.tenant_id AND blob_id = NEW.id) THEN
        RAISE EXCEPTION 'a blob that a file refers to cannot be deleted' USING ERRCODE = '23001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER blobs_are_kept_while_referenced BEFORE UPDATE OF state ON blobs
    FOR EACH ROW WHEN (NEW.state IN ('deleting', 'gone'))
    EXECUTE FUNCTION blobs_are_kept_while_referenced();

-- What an event hook wrote with a change, for audit trails and webhooks.
CREATE TABLE outbox (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  BIGINT NOT NULL REFERENCES tenants (id),
    topic      TEXT COLLATE "C" NOT NULL,
    payload    BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
