//! Lists keys in byte order, one directory at a time.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Dir, DirEntry, FileType};
use rustix::io::Errno;

use super::error::LocalError;
use super::segments::{SegmentPath, slots_in};
use super::tree::{Tree, split_path};
use crate::{BlobKey, KeyPage};

/// Lists one page. Blocks. Holds the names of one directory per level of the keys at a time.
pub(super) fn list(
    blobs: &Tree,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<KeyPage, LocalError> {
    // All matching keys are below the last complete directory of the prefix.
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

/// A name in a directory. Names of directories end with a slash, so that names sort as keys do.
type SortedName = String;

impl Walk<'_> {
    /// Collects the matching keys below a directory or in a segment. The depth is bounded by the length of a key.
    fn directory(&mut self, path: &str) -> Result<(), LocalError> {
        if let Some(segment) = SegmentPath::parse(path) {
            return self.segment(segment);
        }
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

    /// Collects the matching keys of the slots in a segment.
    fn segment(&mut self, path: SegmentPath<'_>) -> Result<(), LocalError> {
        let failed = LocalError::system("reading a segment");
        let file = match self.blobs.open_file(path.as_str()) {
            Ok(file) => file,
            // Deleted meanwhile.
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(failed(errno)),
        };
        for number in slots_in(file.as_fd()).map_err(failed)? {
            let key = path.key_of(number);
            if self.keys.len() < self.wanted
                && self.may_match(&key)
                && let Ok(key) = BlobKey::parse(key)
            {
                self.keys.push(key);
            }
        }
        Ok(())
    }

    /// Returns the names in a directory that are or lead to a wanted key.
    fn sorted_names(&self, path: &str) -> Result<Vec<SortedName>, LocalError> {
        let failed = LocalError::system("reading a directory");
        let directory = match self.blobs.open_directory(path) {
            Ok(directory) => directory,
            // Deleted meanwhile, or never existed.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => return Ok(vec![]),
            Err(errno) => return Err(failed(errno)),
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).map_err(&failed)? {
            let entry = entry.map_err(&failed)?;
            if let Some(mut name) = wanted_name(&directory, &entry) {
                let mut start = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}/{name}")
                };
                // Keys go on below a segment as they do below a directory.
                if SegmentPath::parse(&start).is_some() {
                    name.push('/');
                    start.push('/');
                }
                if self.may_match(&start) {
                    names.push(name);
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns `true` if a key is wanted, or if a directory, with its slash, may hold a wanted key.
    fn may_match(&self, start: &str) -> bool {
        let is_directory = start.ends_with('/');
        let matches_prefix =
            start.starts_with(self.prefix) || (is_directory && self.prefix.starts_with(start));
        let comes_after = self
            .after
            .is_none_or(|after| start > after || (is_directory && after.starts_with(start)));
        matches_prefix && comes_after
    }
}

/// Returns the name of a regular file or a directory, and `None` for any other entry.
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
