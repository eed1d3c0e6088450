-- Numbers of files per tenant, so that no tenant can count another's. Files that have a number keep it, and
-- new ones continue behind all of them: a number is never given twice.
--
-- The same row gives creation times, each later than the one before: whoever has seen all files up to one
-- finds every later one behind it. A commit locks the row until it is visible.

CREATE TABLE tenant_sequences (
    tenant_id       BIGINT PRIMARY KEY REFERENCES tenants (id),
    last_seq        BIGINT NOT NULL CHECK (last_seq >= 0),
    last_created_at BIGINT NOT NULL
) WITH (fillfactor = 50);

INSERT INTO tenant_sequences (tenant_id, last_seq, last_created_at)
SELECT
    id,
    greatest(
        pg_sequence_last_value(pg_get_serial_sequence('files', 'seq')::regclass),
        (SELECT max(seq) FROM files),
        0
    ),
    coalesce((SELECT max(created_at) FROM files WHERE tenant_id = tenants.id), 0)
FROM tenants;

ALTER TABLE files
    ALTER COLUMN seq DROP IDENTITY,
    DROP CONSTRAINT files_pkey,
    DROP CONSTRAINT files_id_key,
    ADD PRIMARY KEY (id),
    ADD UNIQUE (tenant_id, seq);

-- Servers of the version before give neither.
CREATE FUNCTION files_have_a_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tenant_sequences AS its (tenant_id, last_seq, last_created_at)
    VALUES (NEW.tenant_id, 1, NEW.created_at)
    ON CONFLICT (tenant_id) DO UPDATE SET
        last_seq = its.last_seq + 1,
        last_created_at = greatest(its.last_created_at + 1, NEW.created_at)
    RETURNING its.last_seq, its.last_created_at INTO NEW.seq, NEW.created_at;
    NEW.updated_at := greatest(NEW.updated_at, NEW.created_at);
    RETURN NEW;
END
$$;
CREATE TRIGGER files_have_a_place BEFORE INSERT ON files
    FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION files_have_a_place();
