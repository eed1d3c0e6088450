//! biometricscloud: medical records with a file each, identified by numbers.
//!
//! The response with a single record has a link to its file, so reading one takes the scope for links; and
//! finding a record by its number is reading it.

mod endpoints;
mod requests;
mod views;

use attache_service::Action;

use super::{DialectSpec, TenantFrom};
use crate::endpoint::endpoint;

pub(super) static DIALECT: DialectSpec = DialectSpec {
    name: "biometricscloud",
    title: "Medical records with a file each",
    tenant: TenantFrom::Key,
    endpoints: &[
        endpoint!(
            endpoints::biometricscloud_create_file,
            KeyForAll(&[Action::Upload, Action::CreateLink])
        ),
        endpoint!(endpoints::biometricscloud_list_files, Key(Action::List)),
        endpoint!(
            endpoints::biometricscloud_get_file,
            KeyForAll(&[Action::ReadRecord, Action::CreateLink])
        ),
        endpoint!(
            endpoints::biometricscloud_update_file,
            KeyForAll(&[Action::ReadRecord, Action::Change, Action::CreateLink])
        ),
        endpoint!(
            endpoints::biometricscloud_archive_file,
            KeyForAll(&[Action::ReadRecord, Action::Archive])
        ),
    ],
};
