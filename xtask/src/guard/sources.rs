//! The text files of the workspace, as a reader finds them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A text file.
pub(super) struct Source {
    /// Path from the root of the workspace.
    pub(super) path: String,
    pub(super) text: String,
}

/// Reads all files with one of these extensions, in the order of their paths. Hidden folders and
/// build output are left out.
pub(super) fn read(root: &Path, extensions: &[&str]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    visit(root, root, extensions, &mut sources)?;
    Ok(sources)
}

fn visit(root: &Path, folder: &Path, extensions: &[&str], sources: &mut Vec<Source>) -> Result<()> {
    let context = || format!("cannot read {}", folder.display());
    let mut entries = fs::read_dir(folder)
        .with_context(context)?
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !is_skipped(&path) {
                visit(root, &path, extensions, sources)?;
            }
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| extensions.contains(&extension)) {
            let text = fs::read_to_string(&path).with_context(context)?;
            let path = path.strip_prefix(root).unwrap_or(&path);
            sources.push(Source {
                path: path.display().to_string(),
                text,
            });
        }
    }
    Ok(())
}

fn is_skipped(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "node_modules" || folder.join("CACHEDIR.TAG").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_folders_and_build_output_are_skipped() -> Result<()> {
        let root = tempfile::tempdir()?;
        for folder in ["src", ".hidden", "target"] {
            fs::create_dir(root.path().join(folder))?;
            fs::write(root.path().join(folder).join("a.rs"), "// a")?;
        }
        fs::write(root.path().join("target/CACHEDIR.TAG"), "")?;
        fs::write(root.path().join("src/b.md"), "b")?;
        let paths = |extensions: &[&str]| -> Result<Vec<_>> {
            let sources = read(root.path(), extensions)?;
            Ok(sources.into_iter().map(|source| source.path).collect())
        };
        assert_eq!(paths(&["rs"])?, ["src/a.rs"]);
        assert_eq!(paths(&["rs", "md"])?, ["src/a.rs", "src/b.md"]);
        Ok(())
    }
}
