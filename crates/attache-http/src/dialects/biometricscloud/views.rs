//! The responses of biometricscloud.

use attache_model::{FileRecord, FileState, PrincipalSeq};
use attache_service::FileList;
use serde::Serialize;
use utoipa::ToSchema;

use super::requests::RecordType;

use crate::schema;

/// A medical record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = biometricscloud::Record)]
pub(super) struct RecordView {
    /// Number.
    #[schema(minimum = 1)]
    id: i64,
    /// ID in the native API.
    #[schema(format = Uuid)]
    uuid: String,
    /// Number of the tenant.
    #[schema(minimum = 1)]
    tenant_id: i64,
    /// Number of the key that uploaded the file; 0 if none did.
    #[schema(minimum = 0)]
    user_id: i64,
    /// Description; empty if there is none.
    #[schema(value_type = schema::DescriptionOrNone)]
    description: String,
    /// 1 medical, 2 dental, 3 hospital or specialist, 4 pharmacy, 5 other.
    #[schema(minimum = 1, maximum = 5)]
    r#type: u8,
    /// 1 active, 2 archived.
    #[schema(minimum = 1, maximum = 2)]
    state: u8,
    /// Time at which the record was stored.
    #[schema(format = DateTime)]
    created_time: String,
    /// Name of the file.
    #[schema(value_type = schema::Filename)]
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
    /// Link to the file, valid for 15 minutes; empty if the record is archived.
    pub(super) file_url: String,
}

/// One page of records.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = biometricscloud::Records)]
pub(super) struct RecordsView {
    /// `offset` of the next page: the last `id` of this one, or null if it is empty.
    #[schema(required, minimum = 1)]
    next_id: Option<i64>,
    /// Number of records on the page.
    count: usize,
    /// The records, in the requested order.
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
    async fn upload_without_a_key_is_of_user_0() {
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
