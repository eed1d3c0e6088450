//! The tables that are copied, their columns, and the order in which they can be filled.

use self::Kind::{Bytes, Integer, Text, Uuid};

/// The kind of a column's values, whatever each database calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
    Uuid,
}

/// A table that both schemas have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// All columns but the generated ones. The first is the primary key.
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// The condition of the source's rows that are copied; `None` for all.
    pub(crate) only: Option<&'static str>,
    /// True if the database itself gives the key, from a sequence.
    pub(crate) is_numbered: bool,
}

impl Table {
    pub(crate) fn key(&self) -> &'static str {
        self.columns[0].0
    }

    /// Returns the names of the columns, between commas.
    pub(crate) fn column_list(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

/// The tables that blobs refer to, in the order of their references.
pub(crate) const BEFORE_BLOBS: [&Table; 4] = [&TENANTS, &SEQUENCES, &PRINCIPALS, &PEOPLE];

/// The tables that refer to blobs, and keys, which come last: without one nobody can begin to use half
/// of the data.
pub(crate) const AFTER_BLOBS: [&Table; 4] = [&FILES, &UPLOADS, &OUTBOX, &API_KEYS];

/// Returns all of them, in the order in which they are filled.
pub(crate) fn all() -> impl Iterator<Item = &'static Table> {
    BEFORE_BLOBS.into_iter().chain([&BLOBS]).chain(AFTER_BLOBS)
}

static TENANTS: Table = Table {
    name: "tenants",
    columns: &[("id", Integer), ("slug", Text), ("created_at", Integer)],
    only: None,
    is_numbered: true,
};

static SEQUENCES: Table = Table {
    name: "tenant_sequences",
    columns: &[
        ("tenant_id", Integer),
        ("last_seq", Integer),
        ("last_created_at", Integer),
    ],
    only: None,
    is_numbered: false,
};

static PRINCIPALS: Table = Table {
    name: "principals",
    columns: &[
        ("seq", Integer),
        ("tenant_id", Integer),
        ("kind", Text),
        ("subject", Text),
        ("name", Text),
        ("scopes", Text),
        ("created_at", Integer),
    ],
    only: None,
    is_numbered: true,
};

static PEOPLE: Table = Table {
    name: "people",
    columns: &[
        ("id", Uuid),
        ("tenant_id", Integer),
        ("identifier", Text),
        ("created_at", Integer),
    ],
    only: None,
    is_numbered: false,
};

/// Only live ones have a file that refers to them. Staging, condemned and deleted ones have none, and
/// their bytes stay behind.
pub(crate) static BLOBS: Table = Table {
    name: "blobs",
    columns: &[
        ("id", Uuid),
        ("tenant_id", Integer),
        ("storage_key", Text),
        ("state", Text),
        ("lease_token", Uuid),
        ("lease_until", Integer),
        ("size_bytes", Integer),
        ("sha256", Bytes),
        ("format", Integer),
        ("stored_bytes", Integer),
        ("wrapped_key", Bytes),
        ("created_at", Integer),
        ("reap_at", Integer),
        ("fault", Text),
        ("fault_seen_at", Integer),
    ],
    only: Some("state = 'live'"),
    is_numbered: false,
};

static FILES: Table = Table {
    name: "files",
    columns: &[
        ("id", Uuid),
        ("seq", Integer),
        ("tenant_id", Integer),
        ("blob_id", Uuid),
        ("person_id", Uuid),
        ("category", Text),
        ("name", Text),
        ("filename", Text),
        ("description", Text),
        ("content_type", Text),
        ("size_bytes", Integer),
        ("sha256", Bytes),
        ("visibility", Text),
        ("key", Text),
        ("used_at", Integer),
        ("used_by", Text),
        ("uploaded_by", Integer),
        ("created_at", Integer),
        ("updated_at", Integer),
        ("archived_at", Integer),
        ("held_at", Integer),
        ("revision", Integer),
        ("request_key", Text),
        ("request_index", Integer),
    ],
    only: None,
    is_numbered: false,
};

/// Not those whose bytes go straight to the store: their staging blob stays behind.
static UPLOADS: Table = Table {
    name: "uploads",
    columns: &[
        ("id", Uuid),
        ("tenant_id", Integer),
        ("person_id", Uuid),
        ("person_identifier", Text),
        ("category", Text),
        ("name", Text),
        ("filename", Text),
        ("description", Text),
        ("content_type", Text),
        ("size_bytes", Integer),
        ("sha256", Bytes),
        ("visibility", Text),
        ("created_by", Integer),
        ("offset_bytes", Integer),
        ("created_at", Integer),
        ("expires_at", Integer),
        ("completed_at", Integer),
        ("staging_blob_id", Uuid),
        ("staging_key", Text),
        ("staging_lease", Uuid),
    ],
    only: Some("staging_blob_id IS NULL"),
    is_numbered: false,
};

static OUTBOX: Table = Table {
    name: "outbox",
    columns: &[
        ("seq", Integer),
        ("tenant_id", Integer),
        ("topic", Text),
        ("payload", Bytes),
        ("created_at", Integer),
    ],
    only: None,
    is_numbered: true,
};

static API_KEYS: Table = Table {
    name: "api_keys",
    columns: &[
        ("key_id", Text),
        ("principal_seq", Integer),
        ("secret_hash", Bytes),
        ("expires_at", Integer),
        ("revoked_at", Integer),
    ],
    only: None,
    is_numbered: false,
};
