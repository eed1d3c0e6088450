//! The database and the store that the server under test runs on: the only place that knows.

use std::fs;
use std::path::{Path, PathBuf};

/// What `serve` is told about its database and its store. Nothing: the embedded default, SQLite and
/// local files in the data directory.
pub(crate) fn arguments() -> Vec<String> {
    Vec::new()
}

/// An object in the store: where it lies and how many bytes it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoredObject {
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
}

/// Everything the store holds, unfinished uploads included.
pub(crate) fn stored_objects(data_dir: &Path) -> Vec<StoredObject> {
    let folder = data_dir.join("blobs");
    let mut found = Vec::new();
    collect(&folder, &mut found);
    // What keeps a second server out holds nobody's bytes.
    found.retain(|object| object.path != folder.join(".lock"));
    found.sort();
    found
}

/// Walks a directory that the server changes meanwhile: what vanishes was not there.
fn collect(folder: &Path, found: &mut Vec<StoredObject>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(facts) = entry.metadata() else {
            continue;
        };
        if facts.is_dir() {
            collect(&path, found);
        } else {
            found.push(StoredObject {
                path,
                size_bytes: facts.len(),
            });
        }
    }
}
