//! The table of operations: which method on which route does what, and who may ask for it.

use attache_service::Action;
use http::Method;

use crate::Route;

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
    /// The bearer of a valid link.
    Link,
    /// Anybody, for what was made public.
    Public,
    /// Anybody: it says nothing about any tenant.
    Open,
}

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// What is done.
    pub operation: Operation,
    /// By this method; a row for GET serves HEAD too.
    pub method: Method,
    /// On the route with this template.
    pub template: &'static str,
    /// For whom.
    pub access: Access,
    /// The operation's name in logs, metrics and the OpenAPI document.
    pub name: &'static str,
}

const fn row(
    operation: Operation,
    method: Method,
    template: &'static str,
    access: Access,
    name: &'static str,
) -> Row {
    Row {
        operation,
        method,
        template,
        access,
        name,
    }
}

/// Every operation of the native API.
pub static OPERATIONS: [Row; 21] = {
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

/// Finds the operation a request asks for.
///
/// # Errors
///
/// The value of `Allow` where the route has no such method.
pub(crate) fn find(route: &Route, method: &Method) -> Result<&'static Row, String> {
    let wanted = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let rows = || {
        OPERATIONS
            .iter()
            .filter(|row| row.template == route.template())
    };
    rows().find(|row| row.method == *wanted).ok_or_else(|| {
        let mut allowed: Vec<&str> = rows().map(|row| row.method.as_str()).collect();
        if allowed.contains(&"GET") {
            allowed.push("HEAD");
        }
        allowed.join(", ")
    })
}

/// Whether a path's answers are meant for any web page: what is signed or public.
pub(crate) fn is_open_to_all_origins(path: &str) -> bool {
    let Some(route) = Route::parse(path) else {
        return false;
    };
    OPERATIONS.iter().any(|row| {
        row.template == route.template() && matches!(row.access, Access::Link | Access::Public)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::tests::every_route;

    #[test]
    fn every_route_has_an_operation_and_every_operation_a_route() {
        let templates: Vec<_> = every_route().iter().map(Route::template).collect();
        for template in &templates {
            assert!(
                OPERATIONS.iter().any(|row| row.template == *template),
                "{template}"
            );
        }
        for row in &OPERATIONS {
            assert!(templates.contains(&row.template), "{}", row.name);
        }
    }

    #[test]
    fn head_goes_where_get_goes_and_other_methods_are_named() {
        assert_eq!(
            find(&Route::Files, &Method::HEAD).unwrap().operation,
            Operation::ListFiles
        );
        assert_eq!(
            find(&Route::Files, &Method::PUT).unwrap_err(),
            "POST, GET, HEAD"
        );
    }

    #[test]
    fn only_signed_and_public_routes_are_open_to_all_origins() {
        for route in every_route() {
            let open = is_open_to_all_origins(&route.to_string());
            assert_eq!(
                open,
                matches!(
                    route,
                    Route::Public(..) | Route::Link(..) | Route::UploadContent(_)
                ),
                "{route}"
            );
        }
    }
}
