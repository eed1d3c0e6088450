//! Servers of the version before, at work beside those of this one on the schema of this one.

use attache_model::FileSeq;

use super::ServerDatabase;
use crate::database::{BoxError, Database as _, Place, upload};

/// The statement by which version 6 inserts a record, here of the bytes of another record.
const INSERT: &str = "INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
    description, content_type, size_bytes, sha256, visibility, key, uploaded_by, created_at, updated_at, \
    held_at, request_key, request_index) \
    SELECT gen_random_uuid(), tenant_id, blob_id, person_id, category, 'Old', 'old.pdf', description, \
        content_type, size_bytes, sha256, visibility, 'key of ' || gen_random_uuid(), uploaded_by, 5, 5, \
        NULL, NULL, NULL FROM files WHERE name = 'File 1' \
    ON CONFLICT (tenant_id, key) DO NOTHING \
    RETURNING files.seq || ' ' || files.created_at || ' ' || files.updated_at";

/// The statements by which version 6 finds a record by its number, and asks whether a commit was made.
const FIND: [&str; 2] = [
    "SELECT files.name FROM files JOIN blobs ON blobs.tenant_id = files.tenant_id \
        AND blobs.id = files.blob_id WHERE files.tenant_id = 1 AND files.seq = 2",
    "SELECT name FROM files WHERE tenant_id = 1 AND seq = 2",
];

#[tokio::test]
async fn earlier_servers_share_the_order_of_commits() -> Result<(), BoxError> {
    let place = Place::<ServerDatabase>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let commit = async |content| {
        let draft = place.draft(&*repository, &cx, content).await?;
        let mut committed = repository.commit_files(&cx, &upload(draft)).await??;
        Ok::<_, BoxError>(committed.remove(0).record)
    };
    let first = commit(1).await?;
    let inserted = place.database.texts(INSERT).await?;
    // Behind the first, though its clock is far behind.
    let later = first.created_at.as_millis() + 1;
    assert_eq!(inserted, [format!("2 {later} {later}")]);
    let third = commit(3).await?;
    assert_eq!((first.seq.get(), third.seq.get()), (1, 3));
    assert_eq!(third.created_at.as_millis(), later + 1);
    for sql in FIND {
        assert_eq!(place.database.texts(sql).await?, ["Old"]);
    }
    let found = repository.find_file_by_seq(&cx, FileSeq::new(2)).await?;
    assert_eq!(found.unwrap().record.name.as_str(), "Old");
    Ok(())
}

/// The whole of a change by version 6, from the tenant to the deletion.
const OF_EARLIER_SERVERS: &str = "\
    INSERT INTO tenants (slug, created_at) VALUES ('south', 1); \
    INSERT INTO blobs (id, tenant_id, storage_key, state, lease_token, lease_until, created_at) \
        VALUES (gen_random_uuid(), 2, 'k', 'staging', gen_random_uuid(), 9000000000000, 1); \
    UPDATE blobs SET state = 'live', lease_token = NULL, lease_until = NULL, size_bytes = 1, \
        sha256 = sha256('x'), format = 0, stored_bytes = 1 WHERE tenant_id = 2; \
    INSERT INTO files (id, tenant_id, blob_id, name, filename, content_type, size_bytes, sha256, \
        visibility, key, created_at, updated_at) SELECT gen_random_uuid(), 2, id, 'a', 'a', 'a/b', 1, \
        sha256, 'private', 'k', 5, 5 FROM blobs WHERE tenant_id = 2; \
    UPDATE files SET revision = revision + 1, updated_at = 6, used_at = 6, used_by = 'h' \
        WHERE tenant_id = 2 AND used_at IS NULL AND archived_at IS NULL";

#[tokio::test]
async fn tenant_of_an_earlier_server_begins_at_1() -> Result<(), BoxError> {
    let place = Place::<ServerDatabase>::new().await?;
    place.open_with_tenant().await?;
    place.database.execute(OF_EARLIER_SERVERS).await?;
    let sql = "SELECT seq || ' ' || number || ' ' || created_at FROM files WHERE tenant_id = 2";
    assert_eq!(place.database.texts(sql).await?, ["1 1 5"]);
    Ok(())
}
