//! The last segment of the URL of a file's bytes: the filename with the file's ID inside, so that files
//! with the same name have URLs of their own.

use std::str::FromStr;

use attache_model::{FileId, Filename};

/// The character between the filename's stem and the ID.
const MARK: char = '~';

/// Returns `{stem}~{id}.{extension}`, or `{filename}~{id}` if there is no extension to keep at the end.
///
/// The last mark is always the one before the ID: an extension with a mark is not kept apart.
pub(super) fn with_id(filename: &Filename, id: FileId) -> String {
    let name = filename.as_str();
    let extension = filename.extension().filter(|text| !text.contains(MARK));
    let dotted = extension.and_then(|extension| {
        let stem = name.strip_suffix(extension)?.strip_suffix('.')?;
        Some(format!("{stem}{MARK}{id}.{extension}"))
    });
    dotted.unwrap_or_else(|| format!("{name}{MARK}{id}"))
}

/// Returns the ID in a name that [`with_id`] built; `None` for a bare filename.
pub(super) fn id_in(name: &str) -> Option<FileId> {
    let (_, behind) = name.rsplit_once(MARK)?;
    let id = behind.split_once('.').map_or(behind, |(id, _)| id);
    // An ID has one spelling here.
    FileId::from_str(id).ok().filter(|it| it.to_string() == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
    const OTHER: &str = "0190163d-8694-739b-aea5-966c26f8ad92";

    #[test]
    fn id_in_a_built_name_is_found() {
        let id: FileId = ID.parse().unwrap();
        for (filename, built) in [
            ("a.pdf", format!("a~{ID}.pdf")),
            ("a.tar.gz", format!("a.tar~{ID}.gz")),
            ("README", format!("README~{ID}")),
            (".profile", format!(".profile~{ID}")),
            ("ends.", format!("ends.~{ID}")),
            ("a~b.c~d", format!("a~b.c~d~{ID}")),
            (&format!("a~{OTHER}.pdf"), format!("a~{OTHER}~{ID}.pdf")),
            (&format!("a.pdf~{OTHER}"), format!("a.pdf~{OTHER}~{ID}")),
        ] {
            let filename = Filename::parse(filename).unwrap();
            assert_eq!(with_id(&filename, id), built);
            assert_eq!(id_in(&built), Some(id), "{built}");
        }
    }

    #[test]
    fn bare_filename_has_no_id() {
        let upper = format!("a~{}.pdf", ID.to_uppercase());
        let before = format!("{ID}.pdf");
        for name in ["a.pdf", "a~b.pdf", "~", "a~.pdf", &upper, &before] {
            assert_eq!(id_in(name), None, "{name}");
        }
    }
}
