//! The declaration of a dialect: its name, the place of the tenant, and its endpoints.

use std::fmt;

use crate::endpoint::Endpoint;

/// A published API that is served beside the native one.
pub(crate) struct DialectSpec {
    /// The name on the command line and the tag in the OpenAPI document, such as `dokstamp`. The names
    /// of its endpoints begin with it.
    pub(crate) name: &'static str,
    /// Its purpose, in one phrase.
    pub(crate) title: &'static str,
    pub(crate) tenant: TenantFrom,
    pub(crate) endpoints: &'static [Endpoint],
}

/// The place where requests with a key name their tenant, by its slug. It must be the key's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TenantFrom {
    /// In this header, which may be absent.
    Header(&'static str),
    /// In this parameter of the path, if the path has it.
    Path(&'static str),
    /// Nowhere: the key decides.
    Key,
}

impl fmt::Debug for DialectSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
