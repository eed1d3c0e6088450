//! The aliases of media types. Records have the canonical name; requests may use any.
//!
//! The canonical name is the registered one if browsers know it, otherwise the one that they know. No crate
//! has such a table: the aliases are those of the freedesktop.org database, browsers and mail clients.

mod data;
mod documents;
mod recordings;

/// The names of a type: the canonical one, and its aliases.
pub(super) type Names = (&'static str, &'static [&'static str]);

const TABLES: [&[Names]; 3] = [documents::NAMES, recordings::NAMES, data::NAMES];

/// Returns the types with several names.
pub(super) fn types() -> impl Iterator<Item = &'static Names> {
    TABLES.into_iter().flatten()
}

/// Returns the canonical name of a type.
pub(super) fn canonical(essence: &str) -> &str {
    types()
        .find(|(_, others)| others.contains(&essence))
        .map_or(essence, |(name, _)| name)
}

/// Returns all names of a type, the canonical one first.
pub(super) fn all_names(essence: &str) -> impl Iterator<Item = &str> {
    let name = canonical(essence);
    let others = types().find(|(first, _)| *first == name);
    std::iter::once(name).chain(
        others
            .into_iter()
            .flat_map(|(_, others)| others.iter().copied()),
    )
}
