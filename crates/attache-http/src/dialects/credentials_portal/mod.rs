//! credentials-portal: files of a district, attached to people.

mod content;
mod endpoints;
mod names;
mod uploads;
mod views;

use attache_service::Action;

use super::{DialectSpec, TenantFrom};
use crate::endpoint::endpoint;

pub(super) static DIALECT: DialectSpec = DialectSpec {
    name: "credentials-portal",
    title: "Files of a district, attached to people",
    tenant: TenantFrom::Path("district"),
    endpoints: &[
        endpoint!(endpoints::credentials_portal_list_files, Key(Action::List)),
        endpoint!(
            endpoints::credentials_portal_upload_file,
            Key(Action::Upload)
        ),
        endpoint!(
            endpoints::credentials_portal_upload_for_person,
            Key(Action::Upload)
        ),
        // A change or a deletion first reads the person the file is about.
        endpoint!(
            endpoints::credentials_portal_change_file,
            KeyForAll(&[Action::ReadRecord, Action::Change])
        ),
        endpoint!(
            endpoints::credentials_portal_delete_file,
            KeyForAll(&[Action::ReadRecord, Action::Delete])
        ),
        // A bare filename is looked up in the list, which the service authorises.
        endpoint!(
            endpoints::credentials_portal_read_content,
            Key(Action::ReadContent)
        ),
    ],
};
