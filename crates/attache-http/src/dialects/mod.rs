//! Published APIs, each served at its own paths beside the native one and translated to the same calls
//! of the service. A dialect decides nothing that the native API does not offer.

mod biometricscloud;
mod credentials_portal;
mod dokstamp;
mod flexportal;
mod optimistic;
mod participant_files;
mod spec;
mod tenant;
mod unpaginated_list;

use std::fmt;
use std::str::FromStr;

use attache_model::InvalidValue;

pub(crate) use self::spec::{DialectSpec, TenantFrom};

/// Every dialect, in the order in which their paths are tried.
static DIALECTS: &[&DialectSpec] = &[
    &credentials_portal::DIALECT,
    &participant_files::DIALECT,
    &dokstamp::DIALECT,
    &biometricscloud::DIALECT,
    &flexportal::DIALECT,
];

/// A published API that the service speaks beside its own.
#[derive(Debug, Clone, Copy)]
pub struct Dialect(&'static DialectSpec);

impl Dialect {
    /// Returns every dialect, in the order in which their paths are tried.
    pub fn all() -> impl Iterator<Item = Self> {
        DIALECTS.iter().copied().map(Self)
    }

    /// Returns the name on the command line and in the OpenAPI document, such as `dokstamp`.
    pub const fn name(self) -> &'static str {
        self.0.name
    }
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Dialect {}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let found = Self::all().find(|it| it.name() == text);
        found.ok_or_else(|| {
            let known: Vec<_> = Self::all().map(Self::name).collect();
            InvalidValue::new("dialect", format!("is none of {}", known.join(", ")))
        })
    }
}

/// The set of dialects that are served. Written as `all`, `none`, or a comma list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialects(Vec<Dialect>);

impl Dialects {
    /// Returns every dialect.
    pub fn all() -> Self {
        Self(Dialect::all().collect())
    }

    /// Returns the empty set: the native API alone.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the dialects of the set, in the order of [`Dialect::all`].
    pub fn iter(&self) -> impl Iterator<Item = Dialect> {
        self.0.iter().copied()
    }

    pub(crate) fn specs(&self) -> impl Iterator<Item = &'static DialectSpec> {
        self.iter().map(|dialect| dialect.0)
    }
}

/// Every dialect.
impl Default for Dialects {
    fn default() -> Self {
        Self::all()
    }
}

impl FromIterator<Dialect> for Dialects {
    fn from_iter<I: IntoIterator<Item = Dialect>>(dialects: I) -> Self {
        let wanted: Vec<_> = dialects.into_iter().collect();
        Self(Dialect::all().filter(|it| wanted.contains(it)).collect())
    }
}

impl fmt::Display for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::all() {
            return f.write_str("all");
        }
        let names: Vec<_> = self.iter().map(Dialect::name).collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(","))
    }
}

impl FromStr for Dialects {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text.trim() {
            "all" => Ok(Self::all()),
            "none" => Ok(Self::none()),
            names => names.split(',').map(str::trim).map(str::parse).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_written_as_they_are_read() {
        for (text, written) in [
            ("all", "all"),
            ("none", "none"),
            (" flexportal, dokstamp ", "dokstamp,flexportal"),
            ("dokstamp,dokstamp", "dokstamp"),
        ] {
            let set: Dialects = text.parse().unwrap();
            assert_eq!(set.to_string(), written);
            assert_eq!(written.parse::<Dialects>().unwrap(), set);
        }
        for wrong in ["", "dokstmap", "dokstamp,", "all,dokstamp", "Dokstamp"] {
            let refused = wrong.parse::<Dialects>().unwrap_err().to_string();
            assert!(refused.contains("biometricscloud"), "{wrong}: {refused}");
        }
    }

    /// A folder that is not in [`DIALECTS`] would be served nowhere, and nothing else would miss it.
    #[test]
    fn every_folder_is_a_dialect() {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialects");
        let entries = std::fs::read_dir(sources).unwrap().map(Result::unwrap);
        let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        let names = folders.map(|entry| entry.file_name().into_string().unwrap());
        let mut folders: Vec<_> = names.map(|name| name.replace('_', "-")).collect();
        let mut dialects: Vec<_> = Dialect::all().map(Dialect::name).collect();
        folders.sort();
        dialects.sort_unstable();
        assert_eq!(folders, dialects);
    }

    #[test]
    fn endpoints_are_named_after_their_dialect() {
        for spec in DIALECTS {
            let prefix = format!("{}_", spec.name.replace('-', "_"));
            for endpoint in spec.endpoints {
                assert!(endpoint.name.starts_with(&prefix), "{}", endpoint.name);
            }
        }
    }
}
