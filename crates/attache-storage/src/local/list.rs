//! Listing keys in byte order, one directory at a time.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Dir, DirEntry, FileType};
use rustix::io::Errno;

use super::error::LocalError;
use super::tree::{Tree, split_path};
use crate::{BlobKey, KeyPage};

/// Lists one page, blocking. Holds the names of one directory per level of the keys at a time.
pub(super) fn list(
    blobs: &Tree,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<KeyPage, LocalError> {
    // Only what the last full directory of the prefix holds can match.
    let (base, _) = split_path(prefix);
    if !base.is_empty() && BlobKey::parse(base).is_err() {
        return Ok(KeyPage::default());
    }
    let mut walk = Walk {
        blobs,
        prefix,
        after,
        wanted: limit.saturating_add(1),
        keys: Vec::new(),
    };
    walk.directory(base)?;
    let has_more = walk.keys.len() > limit;
    walk.keys.truncate(limit);
    Ok(KeyPage {
        keys: walk.keys,
        has_more,
    })
}

struct Walk<'a> {
    blobs: &'a Tree,
    prefix: &'a str,
    after: Option<&'a str>,
    wanted: usize,
    keys: Vec<BlobKey>,
}

/// A name in a directory; a directory's ends with a slash, so that names sort as whole keys do.
type SortedName = String;

impl Walk<'_> {
    /// Takes the matching keys of a directory and of those below it. The depth is that of a key,
    /// whose length is bounded.
    fn directory(&mut self, path: &str) -> Result<(), LocalError> {
        for name in self.sorted_names(path)? {
            if self.keys.len() >= self.wanted {
                break;
            }
            let below = if path.is_empty() {
                name
            } else {
                format!("{path}/{name}")
            };
            if let Some(directory) = below.strip_suffix('/') {
                self.directory(directory)?;
            } else if let Ok(key) = BlobKey::parse(below) {
                self.keys.push(key);
            }
        }
        Ok(())
    }

    /// The names of a directory that are on the way to a wanted key.
    fn sorted_names(&self, path: &str) -> Result<Vec<SortedName>, LocalError> {
        let failed = LocalError::system("reading a directory");
        let directory = match self.blobs.open_directory(path) {
            Ok(directory) => directory,
            // Deleted meanwhile, or never there.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => return Ok(vec![]),
            Err(errno) => return Err(failed(errno)),
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).map_err(&failed)? {
            let entry = entry.map_err(&failed)?;
            if let Some(name) = wanted_name(&directory, &entry) {
                let start = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}/{name}")
                };
                if self.is_on_the_way(&start) {
                    names.push(name);
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whether a key, or a directory with its slash, is or leads to a key that is wanted.
    fn is_on_the_way(&self, start: &str) -> bool {
        let is_directory = start.ends_with('/');
        let matches_prefix =
            start.starts_with(self.prefix) || (is_directory && self.prefix.starts_with(start));
        let comes_after = self
            .after
            .is_none_or(|after| start > after || (is_directory && after.starts_with(start)));
        matches_prefix && comes_after
    }
}

/// The name of an entry that may be ours: a plain file or a directory. Others are passed over.
fn wanted_name(directory: impl AsFd, entry: &DirEntry) -> Option<SortedName> {
    let name = entry.file_name().to_str().ok()?;
    if name.starts_with('.') {
        return None;
    }
    let file_type = match entry.file_type() {
        FileType::Unknown => {
            let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            FileType::from_raw_mode(stat.st_mode)
        }
        known => known,
    };
    match file_type {
        FileType::RegularFile => Some(name.to_owned()),
        FileType::Directory => Some(format!("{name}/")),
        _ => None,
    }
}
