//! The native API: its table of endpoints, and the endpoints. Each reads a request, calls one verb of
//! the service, and writes the response.

mod claim;
pub(crate) mod content;
mod direct_upload;
pub(crate) mod form;
mod health;
pub(crate) mod json_upload;
mod lifecycle;
mod link;
pub(crate) mod list;
mod params;
mod record;
mod upload;
pub(crate) mod upload_fields;
mod upload_headers;
mod upload_json;
mod upload_raw;
mod upload_response;
mod views;

use attache_service::Action;

use crate::endpoint::{Endpoint, endpoint};

pub(crate) use self::content::DispositionParam;
pub(crate) use self::upload_headers::refuse_partial_and_coded;

/// Every endpoint of the native API.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint!(upload::upload_files, Key(Action::Upload)),
    endpoint!(upload_raw::upload_raw, Key(Action::Upload)),
    endpoint!(upload_json::upload_json, Key(Action::Upload)),
    endpoint!(list::list_files, Key(Action::List)),
    endpoint!(record::get_file, Key(Action::ReadRecord)),
    endpoint!(record::change_file, Key(Action::Change)),
    endpoint!(record::delete_file, Key(Action::Delete)),
    endpoint!(content::read_content, Key(Action::ReadContent)),
    endpoint!(claim::claim_file, Key(Action::Claim)),
    endpoint!(claim::release_claim, Key(Action::Release)),
    endpoint!(lifecycle::archive_file, Key(Action::Archive)),
    endpoint!(lifecycle::restore_file, Key(Action::Restore)),
    endpoint!(link::create_link, Key(Action::CreateLink)),
    endpoint!(content::read_public, Public),
    endpoint!(content::read_link, Link),
    endpoint!(content::stream_link, Link),
    endpoint!(direct_upload::begin_upload, Key(Action::Upload)),
    endpoint!(direct_upload::get_upload, Key(Action::Upload)),
    endpoint!(direct_upload::complete_upload, Key(Action::Upload)),
    endpoint!(direct_upload::cancel_upload, Key(Action::Upload)),
    endpoint!(direct_upload::send_upload, Link),
    endpoint!(health::check_live, Open),
    endpoint!(health::check_ready, Open),
    endpoint!(health::describe_api, Open),
];

/// The tags that group the endpoints in the OpenAPI document.
pub(crate) const TAGS: &[(&str, &str)] = &[
    ("files", "Records: store, find, change, archive, delete"),
    ("content", "The bytes of files"),
    ("claims", "A file is claimed by one holder at most"),
    ("links", "URLs that expire"),
    (
        "uploads",
        "Uploads that are begun first and sent without a key",
    ),
    ("health", "The state of the service"),
];
