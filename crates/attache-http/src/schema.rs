//! The schemas of values in requests and responses: limits, patterns and examples, each said once.
//!
//! A field takes one by `value_type`. A text is repeated in the document wherever it is used; an enumeration
//! is a component, so that generated clients have one type for it.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The characters beyond ASCII that names have none of: controls, and those that turn text around.
macro_rules! controls {
    () => {
        r"\u007F-\u009F\u202A-\u202E\u2066-\u2069"
    };
}

/// A media type and its parameters, which may hold no `$excluded`.
macro_rules! media_type {
    ($excluded:literal) => {
        concat!(
            r"\s*[A-Za-z0-9!#$%&'+.^_`|~-]+/[A-Za-z0-9!#$%&'+.^_`|~-]+(?:[ \t]*;[^\u0000-\u0008\u000A-\u001F\u007F-\u009F",
            $excluded,
            r"]*)?\s*"
        )
    };
}

/// A media type among others, which is as long as one alone.
macro_rules! listed_type {
    () => {
        concat!("(?=[^,]{3,127}(?:,|$))", media_type!(","))
    };
}

/// The line breaks and blanks that base64 may have anywhere.
macro_rules! breaks {
    () => {
        r"[ \t\r\n]*"
    };
}

/// A number of base64 symbols.
macro_rules! symbols {
    ($count:literal) => {
        concat!("(?:[A-Za-z0-9+/]", breaks!(), "){", $count, "}")
    };
}

/// The longest length of a text that only its request limits.
const UNLIMITED: usize = usize::MAX;

/// Declares types that stand for texts in schemas: their pattern, shortest and longest length in characters,
/// and an example.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr, $shortest:literal..=$longest:tt, $example:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(crate) enum $name {}

            impl $name {
                fn object() -> Object {
                    ObjectBuilder::new()
                        .schema_type(Type::String)
                        .pattern(Some($pattern))
                        .min_length(Some($shortest))
                        .max_length(Some($longest).filter(|longest| *longest != UNLIMITED))
                        .examples([$example])
                        .build()
                }
            }

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    Schema::from(Self::object()).into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )*

        /// Every text, by the name under which fields refer to it.
        pub(crate) fn texts() -> Vec<(&'static str, Object)> {
            vec![$((stringify!($name), $name::object())),*]
        }
    };
}

texts! {
    /// A filename in a request: a name, or a path whose last segment is the name.
    SentFilename = concat!(r"^(?:[\s\S]*[/\\])?(?!\.{1,2}$)[^/\\\u0000-\u001F", controls!(), r"]{1,255}$"), 1..=4096, "report.pdf";
    /// The filename of a record.
    Filename = concat!(r"^[^/\\\u0000-\u001F", controls!(), "]+$"), 1..=255, "report.pdf";
    /// A display name.
    Name = concat!(r"^[^\u0000-\u001F", controls!(), "]+$"), 1..=255, "Annual report";
    /// A description, of one or several lines.
    Description = concat!(r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F", controls!(), "]+$"), 1..=4096, "As sent by the clinic";
    /// A description, or an empty text for none.
    DescriptionOrNone = concat!(r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F", controls!(), "]*$"), 0..=4096, "As sent by the clinic";
    /// A category.
    Category = "^[A-Za-z0-9][A-Za-z0-9._-]*$", 1..=64, "medical";
    /// The identifier of a person.
    Person = concat!(r"^(?!\.{1,2}$)[^\u0000-\u001F", controls!(), "]+$"), 1..=256, "PT-123";
    /// The holder of a claim.
    Holder = concat!(r"^[^\u0000-\u001F", controls!(), "]+$"), 1..=256, "certificate:42";
    /// A SHA-256 in a request.
    SentSha256 = "^[0-9A-Fa-f]+$", 64..=64, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// The SHA-256 of a record.
    Sha256 = "^[0-9a-f]+$", 64..=64, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// A media type, with optional parameters.
    MediaType = concat!("^", media_type!(""), "$"), 3..=127, "application/pdf";
    /// A media type, or an empty text for an unknown one.
    MediaTypeOrNone = concat!("^(?:", media_type!(""), ")?$"), 0..=127, "application/pdf";
    /// Media types, separated by commas.
    MediaTypes = concat!("^", listed_type!(), "(?:,", listed_type!(), "){0,63}$"), 3..=UNLIMITED, "application/pdf,image/png";
    /// Bytes in base64, of which the padding is optional, perhaps broken into lines.
    Base64 = concat!(
        "^", breaks!(), "(?:", symbols!(4), ")*(?:", symbols!(1), "[AQgw]", breaks!(), "(?:=", breaks!(), "=", breaks!(), ")?|",
        symbols!(2), "[AEIMQUYcgkosw048]", breaks!(), "(?:=", breaks!(), ")?)?$"
    ), 0..=UNLIMITED, "aGVsbG8=";
    /// The same with any spare bits, which are ignored.
    LooseBase64 = concat!(
        "^", breaks!(), "(?:", symbols!(4), ")*(?:", symbols!(2), "(?:=", breaks!(), "=", breaks!(), ")?|",
        symbols!(3), "(?:=", breaks!(), ")?)?$"
    ), 0..=UNLIMITED, "aGVsbG8=";
    /// The readable key of a record.
    Key = r"^[^\u0000-\u001F]+$", 1..=1024, "019bb8d4-6a2f-7d10-8a11-5c6d7e8f9a0b/medical/2026-01-31T12:00:00.000Z_report.pdf";
    /// A position in a list, or an empty text for its beginning.
    SentCursor = "^[A-Za-z0-9_-]*$", 0..=4096, "AWsyMDI2MDEzMQ";
    /// A position in a list.
    Cursor = "^[A-Za-z0-9_-]+$", 1..=4096, "AWsyMDI2MDEzMQ";
    /// The name of a file in a path.
    PathFilename = r"^[\s\S]+$", 1..=255, "report.pdf";
    /// The name of a tenant.
    Slug = "^[A-Za-z0-9][A-Za-z0-9._-]*$", 1..=64, "default";
    /// The identifier of a signing key.
    KeyId = "^[a-z0-9]+$", 1..=16, "k20260131";
    /// A signature.
    Signature = "^[A-Za-z0-9_-]+$", 43..=43, "mJ3k6hW8yq0V7dQ2nXb5tZ9rLs4cGf1uEoApIiKxNvM";
}

/// Declares types that stand for enumerations in schemas.
macro_rules! enumerations {
    ($($(#[$doc:meta])* $name:ident: $about:literal = $($value:literal),+;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                enumeration($about, [$($value.to_owned()),+]).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

enumerations! {
    /// The state of a record.
    FileState: "The state of a record." = "active", "archived";
    /// The states of the records in a list.
    StateFilter: "The states of the records in a list." = "active", "archived", "any";
    /// The state of an upload.
    UploadState: "The state of an upload." = "pending", "completed", "expired";
    /// The readers of a file's bytes.
    Visibility: "Who may read the bytes: holders of a key or a link, or everyone who knows the URL." =
        "private", "public";
    /// The action that a link allows.
    LinkAction: "What a link allows: to save the file, or to see it in place if its type allows." =
        "download", "view";
    /// The order of a list.
    SortOrder: "The order of a list; with a leading `-` it descends." =
        "created_at", "-created_at", "name", "-name", "size_bytes", "-size_bytes", "seq", "-seq";
}

/// Describes an enumeration, with names for its values where generators would make poor ones.
pub(crate) fn enumeration(about: &str, values: impl IntoIterator<Item = String>) -> Schema {
    let values: Vec<String> = values.into_iter().collect();
    let is_name = |value: &String| value.bytes().all(|b| b.is_ascii_lowercase());
    let names = (!values.iter().all(is_name)).then(|| {
        let names: Vec<_> = values.iter().map(|value| variant_name(value)).collect();
        ExtensionsBuilder::new()
            .add("x-enum-varnames", names)
            .build()
    });
    let enumeration = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
        .enum_values(Some(values))
        .extensions(names);
    enumeration.build().into()
}

/// Returns the name of a value for programs, such as `CreatedAtDescending` for `-created_at`.
fn variant_name(value: &str) -> String {
    let words = value.rsplit(':').next().unwrap_or_default();
    let words = words.split(['-', '_']).filter(|word| !word.is_empty());
    let capitalised = words.map(|word| word[..1].to_uppercase() + &word[1..]);
    let name: String = capitalised.collect();
    if value.starts_with('-') {
        name + "Descending"
    } else {
        name
    }
}

#[cfg(test)]
mod tests;
