//! No Rust file grows beyond what one reads in a sitting; tests are not counted.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::guard::Findings;

const LIMIT_LINES: usize = 600;
const NOTE_LINES: usize = 400;

/// Counts every Rust file of the workspace.
pub(super) fn check(root: &Path) -> Result<Findings> {
    let mut findings = Findings::default();
    visit(root, root, &mut findings)?;
    Ok(findings)
}

fn visit(root: &Path, folder: &Path, findings: &mut Findings) -> Result<()> {
    let context = || format!("cannot read {}", folder.display());
    let mut entries = fs::read_dir(folder)
        .with_context(context)?
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !is_skipped(&path, &name) {
                visit(root, &path, findings)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs"
        {
            let source = fs::read_to_string(&path).with_context(context)?;
            let shown = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .display()
                .to_string();
            judge(&shown, count_lines(&source), findings);
        }
    }
    Ok(())
}

/// Test folders are not counted; hidden folders and build output are not ours to judge.
fn is_skipped(path: &Path, name: &str) -> bool {
    name == "tests" || name.starts_with('.') || path.join("CACHEDIR.TAG").exists()
}

fn judge(file: &str, lines: usize, findings: &mut Findings) {
    if lines > LIMIT_LINES {
        findings.violations.push(format!(
            "{file} has {lines} lines without tests, more than {LIMIT_LINES}"
        ));
    } else if lines > NOTE_LINES {
        findings
            .notes
            .push(format!("{file} has {lines} lines without tests"));
    }
}

/// The lines outside `#[cfg(test)] mod … { … }` blocks, which rustfmt ends with a `}` of the same
/// indentation.
fn count_lines(source: &str) -> usize {
    let mut lines = source.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let opens_module =
            |next: &&str| next.trim_start().starts_with("mod ") && next.trim_end().ends_with('{');
        if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(opens_module) {
            let end = format!("{indentation}}}");
            lines.by_ref().find(|line| *line == end);
        } else {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_modules_are_not_counted() {
        let source = "use a;\n\n#[cfg(test)]\nmod tests {\n    fn a() {\n    }\n}\nfn b() {}\n";
        assert_eq!(count_lines(source), 3);
        assert_eq!(count_lines("#[cfg(test)]\nmod tests;\nfn b() {}\n"), 3);
        assert_eq!(count_lines("#[cfg(test)]\nfn helper() {\n}\n"), 3);
    }

    #[test]
    fn long_files_are_noted_and_longer_ones_refused() {
        let mut findings = Findings::default();
        judge("short.rs", 400, &mut findings);
        assert_eq!(findings, Findings::default());
        judge("long.rs", 401, &mut findings);
        judge("longer.rs", 601, &mut findings);
        assert_eq!(findings.notes, ["long.rs has 401 lines without tests"]);
        assert_eq!(
            findings.violations,
            ["longer.rs has 601 lines without tests, more than 600"]
        );
    }

    #[test]
    fn only_sources_are_visited() -> Result<()> {
        let root = tempfile::tempdir()?;
        let long = "\n".repeat(LIMIT_LINES + 1);
        for folder in ["src", "tests", ".hidden", "target"] {
            fs::create_dir(root.path().join(folder))?;
            fs::write(root.path().join(folder).join("long.rs"), &long)?;
        }
        fs::write(root.path().join("target/CACHEDIR.TAG"), "")?;
        fs::write(root.path().join("src/tests.rs"), &long)?;
        let violations = check(root.path())?.violations;
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(
            violations[0].starts_with("src/long.rs has 601 lines"),
            "{violations:?}"
        );
        Ok(())
    }
}
