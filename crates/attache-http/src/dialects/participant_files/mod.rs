//! participant-files: files that the participants of a project uploaded.

mod endpoints;
mod requests;
mod views;

use attache_service::Action;

use super::{DialectSpec, TenantFrom};
use crate::endpoint::endpoint;

pub(super) static DIALECT: DialectSpec = DialectSpec {
    name: "participant-files",
    title: "Files that a project's participants uploaded",
    tenant: TenantFrom::Path("slug"),
    endpoints: &[
        endpoint!(endpoints::participant_files_list_files, Key(Action::List)),
        endpoint!(
            endpoints::participant_files_create_download_url,
            KeyForAll(&[Action::ReadRecord, Action::CreateLink])
        ),
    ],
};
