//! The path and link parameters that several endpoints share.

use attache_model::{FileId, to_nfc};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::path_params::file_id;
use crate::schema;

/// The path of one file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilePath {
    /// ID of the file.
    #[param(value_type = String, format = Uuid)]
    #[serde(deserialize_with = "file_id")]
    pub(super) id: FileId,
}

/// The path of one file, under a name.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct NamedFilePath {
    /// ID of the file.
    #[param(value_type = String, format = Uuid)]
    #[serde(deserialize_with = "file_id")]
    pub(super) id: FileId,
    /// Name of the file. A link is valid only under the name that it was created with; a public file may
    /// be read under any name.
    #[param(value_type = schema::PathFilename)]
    #[serde(deserialize_with = "name_in_path")]
    pub(super) filename: String,
}

/// Reads a name in the form that filenames have: clients may decompose it on its way.
fn name_in_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|name| to_nfc(&name))
}

/// The path of one upload.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct UploadPath {
    /// ID of the upload.
    #[param(value_type = String, format = Uuid)]
    #[serde(deserialize_with = "file_id")]
    pub(super) id: FileId,
}

/// The query of a link to read. It describes the parameters; the service verifies them together.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "PascalCase")]
#[expect(dead_code, reason = "describes the link to the OpenAPI document")]
pub(super) struct LinkQuery {
    /// As in the link.
    #[param(minimum = 1)]
    tenant: i64,
    /// As in the link.
    #[param(value_type = schema::LinkAction)]
    action: String,
    /// Time at which the link expires, in seconds since 1970.
    #[param(minimum = 1)]
    expires: i64,
    /// As in the link.
    #[param(value_type = schema::KeyId)]
    key_id: String,
    /// As in the link.
    #[param(value_type = schema::Signature)]
    signature: String,
}

/// The query of the URL of an upload. It describes the parameters; the service verifies them together.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "PascalCase")]
#[expect(dead_code, reason = "describes the URL to the OpenAPI document")]
pub(super) struct UploadLinkQuery {
    /// As in the URL.
    #[param(minimum = 1)]
    tenant: i64,
    /// Time at which the URL expires, in seconds since 1970.
    #[param(minimum = 1)]
    expires: i64,
    /// As in the URL.
    #[param(value_type = schema::KeyId)]
    key_id: String,
    /// As in the URL.
    #[param(value_type = schema::Signature)]
    signature: String,
}
