//! dokstamp: PDF documents that are uploaded once and attached to one certificate each.

mod endpoints;
mod uploads;
mod views;

use attache_service::Action;

use super::{DialectSpec, TenantFrom};
use crate::endpoint::endpoint;

pub(super) static DIALECT: DialectSpec = DialectSpec {
    name: "dokstamp",
    title: "PDF documents, each attached to one certificate",
    tenant: TenantFrom::Header("X-Tenant"),
    endpoints: &[
        // Every upload is public.
        endpoint!(
            endpoints::dokstamp_upload_files,
            KeyForAll(&[Action::Upload, Action::Publish])
        ),
        endpoint!(endpoints::dokstamp_list_files, Key(Action::List)),
        endpoint!(endpoints::dokstamp_get_file, Key(Action::ReadRecord)),
        endpoint!(endpoints::dokstamp_change_file, Key(Action::Change)),
        endpoint!(endpoints::dokstamp_replace_file, Key(Action::Change)),
        endpoint!(endpoints::dokstamp_delete_file, Key(Action::Delete)),
        endpoint!(endpoints::dokstamp_read_public, Public),
    ],
};
