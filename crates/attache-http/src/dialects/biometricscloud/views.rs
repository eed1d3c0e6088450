//! What biometricscloud writes.

use attache_model::{FileRecord, FileState, PrincipalSeq};
use attache_service::FileList;
use serde::Serialize;
use utoipa::ToSchema;

use super::requests::RecordType;

/// A medical record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = biometricscloud::Record)]
pub(super) struct RecordView {
    /// Its number.
    id: i64,
    /// Its id in the native API.
    #[schema(format = Uuid)]
    uuid: String,
    /// The tenant's number.
    tenant_id: i64,
    /// The number of the key that uploaded it; 0 where no key did.
    user_id: i64,
    /// A free text; empty where there is none.
    description: String,
    /// 1 medical, 2 dental, 3 hospital or specialist, 4 pharmacy, 5 other.
    r#type: u8,
    /// 1 active, 2 archived.
    state: u8,
    /// When it was stored.
    #[schema(format = DateTime)]
    created_time: String,
    /// The name of its file.
    file_name: String,
}

impl From<&FileRecord> for RecordView {
    fn from(file: &FileRecord) -> Self {
        Self {
            id: file.seq.get(),
            uuid: file.id.to_string(),
            tenant_id: file.tenant.get(),
            user_id: file.uploaded_by.map_or(0, PrincipalSeq::get),
            description: file
                .description
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            r#type: RecordType::of(file).number(),
            state: match file.state() {
                FileState::Active => 1,
                FileState::Archived => 2,
            },
            created_time: file.created_at.to_string(),
            file_name: file.filename.to_string(),
        }
    }
}

/// A medical record with its file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = biometricscloud::RecordWithFile)]
pub(super) struct RecordWithFileView {
    #[serde(flatten)]
    pub(super) record: RecordView,
    /// A link to its file, good for 15 minutes; empty where the record is archived.
    pub(super) file_url: String,
}

/// One page of records.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = biometricscloud::Records)]
pub(super) struct RecordsView {
    /// What to give as `offset` for the next page: the last `id` of this one; null where it is empty.
    next_id: Option<i64>,
    /// How many records the page has.
    count: usize,
    results: Vec<RecordView>,
}

impl From<&FileList> for RecordsView {
    fn from(list: &FileList) -> Self {
        Self {
            next_id: list.files.last().map(|file| file.seq.get()),
            count: list.files.len(),
            results: list.files.iter().map(RecordView::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use attache_model::Filename;
    use attache_service::{Body, IncomingFile, UploadFields};
    use attache_testkit::Fixture;

    use super::*;

    #[tokio::test]
    async fn what_no_key_uploaded_is_users_0() {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let incoming = IncomingFile::named(Filename::parse("a.png").unwrap());
        let body = Body::from(bytes::Bytes::from_static(b"xyz"));
        let fields = UploadFields::default();
        let committed = fixture.service.upload(&cx, incoming, fields, body).await;
        let mut file = committed.unwrap().record;
        assert_eq!(RecordView::from(&file).user_id, 1);
        file.uploaded_by = None;
        assert_eq!(RecordView::from(&file).user_id, 0);
    }
}
