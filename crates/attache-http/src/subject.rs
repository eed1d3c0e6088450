//! The subject of a request, for the log: ids, and never a name that a client chose.

use attache_model::{Context, FileId, PrincipalSeq, TenantId};

/// The subject of a request, in the extensions of its response: for logs, which must hold neither secrets nor
/// names of files and persons. Each part is `None` if the request did not get so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestSubject {
    /// The tenant in which the request acted.
    pub tenant: Option<TenantId>,
    /// The number of the authenticated principal, as in a record's `uploaded_by`.
    pub principal: Option<PrincipalSeq>,
    /// The public part of the API key.
    pub key_id: Option<String>,
    /// The file or the upload in the path.
    pub file: Option<FileId>,
}

impl RequestSubject {
    /// Notes the context of an authenticated request, and the public part of its API key.
    pub(crate) fn note(&mut self, cx: &Context, key_id: Option<String>) {
        self.tenant = Some(cx.tenant());
        self.principal = cx.principal_seq();
        self.key_id = key_id;
    }
}
