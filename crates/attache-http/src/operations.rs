//! The table of operations: which method on which route does what, and who may ask for it.

use attache_service::Action;
use http::Method;

/// Everything the native API can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Store files.
    UploadFiles,
    /// List records.
    ListFiles,
    /// Read a record.
    GetFile,
    /// Change a record.
    ChangeFile,
    /// Delete a file.
    DeleteFile,
    /// Read bytes with a key.
    ReadContent,
    /// Read the bytes of a public file.
    ReadPublic,
    /// Read bytes by a link.
    ReadLink,
    /// Read bytes by a link, without a redirect.
    StreamLink,
    /// Claim a file.
    ClaimFile,
    /// Release a claim.
    ReleaseClaim,
    /// Archive a file.
    ArchiveFile,
    /// Restore a file.
    RestoreFile,
    /// Make a link.
    CreateLink,
    /// Begin an upload.
    BeginUpload,
    /// Read an upload.
    GetUpload,
    /// Complete an upload.
    CompleteUpload,
    /// Cancel an upload.
    CancelUpload,
    /// Send the bytes of an upload by its link.
    SendUpload,
    /// Say whether the process lives.
    CheckLive,
    /// Say whether it can serve.
    CheckReady,
    /// Give the OpenAPI document.
    DescribeApi,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A principal that may do this.
    Key(Action),
    /// A principal that may do all of these.
    KeyForAll(&'static [Action]),
    /// A principal that may do some of these; which, what is asked for decides.
    KeyForSome(&'static [Action]),
    /// The bearer of a valid link.
    Link,
    /// Anybody, for what was made public.
    Public,
    /// Anybody: it says nothing about any tenant.
    Open,
}

impl Access {
    /// What a principal must be allowed to do, at most; nothing where no key is needed.
    pub const fn actions(&self) -> &[Action] {
        match self {
            Self::Key(action) => std::slice::from_ref(action),
            Self::KeyForAll(actions) | Self::KeyForSome(actions) => actions,
            Self::Link | Self::Public | Self::Open => &[],
        }
    }

    /// Whether it takes a key.
    pub const fn needs_key(&self) -> bool {
        matches!(
            self,
            Self::Key(_) | Self::KeyForAll(_) | Self::KeyForSome(_)
        )
    }

    /// Whether the answers are meant for any web page: what is signed or public.
    pub(crate) const fn is_open_to_all_origins(&self) -> bool {
        matches!(self, Self::Link | Self::Public)
    }
}

/// One row of a table: of the native API's, or of a dialect's with operations of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<O = Operation> {
    /// What is done.
    pub operation: O,
    /// By this method; a row for GET serves HEAD too.
    pub method: Method,
    /// On the route with this template.
    pub template: &'static str,
    /// For whom.
    pub access: Access,
    /// The operation's name in logs, metrics and the OpenAPI document.
    pub name: &'static str,
}

pub(crate) const fn row<O: Copy>(
    operation: O,
    method: Method,
    template: &'static str,
    access: Access,
    name: &'static str,
) -> Row<O> {
    Row {
        operation,
        method,
        template,
        access,
        name,
    }
}

impl<O> Row<O> {
    /// The row without what only its own API knows of it.
    pub(crate) fn erased(&self) -> Row<()> {
        row(
            (),
            self.method.clone(),
            self.template,
            self.access,
            self.name,
        )
    }
}

/// Every operation of the native API.
pub static OPERATIONS: [Row; 22] = {
    use Access::{Key, Link, Open, Public};
    use Operation as O;
    [
        row(
            O::UploadFiles,
            Method::POST,
            "/v1/files",
            Key(Action::Upload),
            "upload_files",
        ),
        row(
            O::ListFiles,
            Method::GET,
            "/v1/files",
            Key(Action::List),
            "list_files",
        ),
        row(
            O::GetFile,
            Method::GET,
            "/v1/files/{id}",
            Key(Action::ReadRecord),
            "get_file",
        ),
        row(
            O::ChangeFile,
            Method::PATCH,
            "/v1/files/{id}",
            Key(Action::Change),
            "change_file",
        ),
        row(
            O::DeleteFile,
            Method::DELETE,
            "/v1/files/{id}",
            Key(Action::Delete),
            "delete_file",
        ),
        row(
            O::ReadContent,
            Method::GET,
            "/v1/files/{id}/content",
            Key(Action::ReadContent),
            "read_content",
        ),
        row(
            O::ClaimFile,
            Method::POST,
            "/v1/files/{id}/claim",
            Key(Action::Claim),
            "claim_file",
        ),
        row(
            O::ReleaseClaim,
            Method::DELETE,
            "/v1/files/{id}/claim",
            Key(Action::Release),
            "release_claim",
        ),
        row(
            O::ArchiveFile,
            Method::POST,
            "/v1/files/{id}/archive",
            Key(Action::Archive),
            "archive_file",
        ),
        row(
            O::RestoreFile,
            Method::POST,
            "/v1/files/{id}/restore",
            Key(Action::Restore),
            "restore_file",
        ),
        row(
            O::CreateLink,
            Method::POST,
            "/v1/files/{id}/links",
            Key(Action::CreateLink),
            "create_link",
        ),
        row(
            O::ReadPublic,
            Method::GET,
            "/v1/public/{id}/{filename}",
            Public,
            "read_public",
        ),
        row(
            O::ReadLink,
            Method::GET,
            "/v1/links/{id}/{filename}",
            Link,
            "read_link",
        ),
        row(
            O::StreamLink,
            Method::GET,
            "/v1/streams/{id}/{filename}",
            Link,
            "stream_link",
        ),
        row(
            O::BeginUpload,
            Method::POST,
            "/v1/uploads",
            Key(Action::Upload),
            "begin_upload",
        ),
        row(
            O::GetUpload,
            Method::GET,
            "/v1/uploads/{id}",
            Key(Action::Upload),
            "get_upload",
        ),
        row(
            O::CompleteUpload,
            Method::POST,
            "/v1/uploads/{id}/complete",
            Key(Action::Upload),
            "complete_upload",
        ),
        row(
            O::CancelUpload,
            Method::DELETE,
            "/v1/uploads/{id}",
            Key(Action::Upload),
            "cancel_upload",
        ),
        row(
            O::SendUpload,
            Method::PUT,
            "/v1/uploads/{id}/content",
            Link,
            "send_upload",
        ),
        row(O::CheckLive, Method::GET, "/livez", Open, "check_live"),
        row(O::CheckReady, Method::GET, "/readyz", Open, "check_ready"),
        row(
            O::DescribeApi,
            Method::GET,
            "/openapi.json",
            Open,
            "describe_api",
        ),
    ]
};
