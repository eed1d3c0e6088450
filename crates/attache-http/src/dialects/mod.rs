//! Published APIs, each served at its own paths beside the native one and translated to the same calls
//! of the service. A dialect decides nothing that the native API does not offer.

mod admission;
mod as_seen;
mod biometricscloud;
mod credentials_portal;
mod dokstamp;
mod flexportal;
mod participant_files;
mod whole_list;

use std::fmt;
use std::str::FromStr;

use attache_model::InvalidValue;

use crate::operations::Row;
use crate::served::Served;

/// A published API that the service speaks beside its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Files of a district, attached to people.
    CredentialsPortal,
    /// Files that the participants of a project uploaded.
    ParticipantFiles,
    /// PDF documents that are attached to one certificate each.
    Dokstamp,
    /// Medical records with a file each.
    Biometricscloud,
    /// Signed URLs for files.
    Flexportal,
}

impl Dialect {
    /// Every dialect, in the order they are asked in.
    pub const ALL: [Self; 5] = [
        Self::CredentialsPortal,
        Self::ParticipantFiles,
        Self::Dokstamp,
        Self::Biometricscloud,
        Self::Flexportal,
    ];

    /// Its name on the command line and in the OpenAPI document, such as `dokstamp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CredentialsPortal => "credentials-portal",
            Self::ParticipantFiles => "participant-files",
            Self::Dokstamp => "dokstamp",
            Self::Biometricscloud => "biometricscloud",
            Self::Flexportal => "flexportal",
        }
    }

    /// Its table of operations: methods, routes, and who may ask.
    pub fn operations(self) -> Vec<Row<()>> {
        self.served().rows()
    }

    const fn served(self) -> Served {
        match self {
            Self::CredentialsPortal => Served::of::<credentials_portal::CredentialsPortal>(),
            Self::ParticipantFiles => Served::of::<participant_files::ParticipantFiles>(),
            Self::Dokstamp => Served::of::<dokstamp::Dokstamp>(),
            Self::Biometricscloud => Served::of::<biometricscloud::Biometricscloud>(),
            Self::Flexportal => Served::of::<flexportal::Flexportal>(),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let found = Self::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            InvalidValue::new("dialect", format!("is none of {known}"))
        })
    }
}

/// Which dialects are served. Written as `all`, `none`, or a comma list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialects([bool; Dialect::ALL.len()]);

impl Dialects {
    /// Every dialect.
    pub const fn all() -> Self {
        Self([true; Dialect::ALL.len()])
    }

    /// The native API alone.
    pub const fn none() -> Self {
        Self([false; Dialect::ALL.len()])
    }

    /// The dialects of the set, in the order of [`Dialect::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Dialect> {
        let marked = Dialect::ALL.into_iter().zip(self.0);
        marked.filter_map(|(dialect, is_in)| is_in.then_some(dialect))
    }

    /// The native API and these beside it, in the order they are asked in.
    pub(crate) fn served(self) -> Vec<Served> {
        let dialects = self.iter().map(Dialect::served);
        std::iter::once(Served::NATIVE).chain(dialects).collect()
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
        let mut set = Self::none();
        for dialect in dialects {
            for (known, is_in) in Dialect::ALL.into_iter().zip(&mut set.0) {
                *is_in |= known == dialect;
            }
        }
        set
    }
}

impl fmt::Display for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            all if all == Self::all() => f.write_str("all"),
            none if none == Self::none() => f.write_str("none"),
            some => f.write_str(&some.iter().map(Dialect::name).collect::<Vec<_>>().join(",")),
        }
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

    /// What is not in [`Dialect::ALL`] would be served nowhere, and nothing else would miss it.
    #[test]
    fn every_folder_is_a_dialect() {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialects");
        let entries = std::fs::read_dir(sources).unwrap().map(Result::unwrap);
        let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
        let names = folders.map(|entry| entry.file_name().into_string().unwrap());
        let mut folders: Vec<_> = names.map(|name| name.replace('_', "-")).collect();
        let mut dialects = Dialect::ALL.map(Dialect::name);
        folders.sort();
        dialects.sort_unstable();
        assert_eq!(folders, dialects);
    }

    #[test]
    fn operations_are_named_after_their_dialect() {
        for dialect in Dialect::ALL {
            let prefix = format!("{}_", dialect.name().replace('-', "_"));
            for row in dialect.operations() {
                assert!(row.name.starts_with(&prefix), "{}", row.name);
            }
        }
    }
}
