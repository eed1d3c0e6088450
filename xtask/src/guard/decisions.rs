//! Each decision record has its own number, the same in its file name and in its title.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

const FOLDER: &str = "docs/decisions";

/// Returns the records whose numbers are missing, or disagree.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let folder = root.join(FOLDER);
    let context = || format!("cannot read {}", folder.display());
    let mut records = Vec::new();
    for entry in fs::read_dir(&folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name != "README.md" {
            let text = fs::read_to_string(&path).with_context(context)?;
            records.push((name.into_owned(), text));
        }
    }
    if records.is_empty() {
        bail!("there are no decision records in {}", folder.display());
    }
    records.sort();
    Ok(violations(&records))
}

/// Checks records by the names of their files and by their titles.
fn violations(records: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut names: BTreeMap<u32, &str> = BTreeMap::new();
    for (name, text) in records {
        let Some(number) = number_of_name(name) else {
            found.push(format!(
                "{FOLDER}/{name} is not named NNNN-what-was-decided.md"
            ));
            continue;
        };
        if let Some(other) = names.insert(number, name) {
            found.push(format!("{FOLDER}/{name} has the number of {other}"));
        }
        let title = text.lines().next().unwrap_or_default();
        if number_of_title(title) != Some(number) {
            found.push(format!(
                "{FOLDER}/{name} does not begin with `# {number}. `, but with `{title}`"
            ));
        }
    }
    found
}

/// Reads `NNNN-what-was-decided.md`.
fn number_of_name(name: &str) -> Option<u32> {
    let (digits, _) = name.strip_suffix(".md")?.split_once('-')?;
    (digits.len() == 4).then(|| digits.parse().ok()).flatten()
}

/// Reads `# N. What was decided`.
fn number_of_title(title: &str) -> Option<u32> {
    let (digits, _) = title.strip_prefix("# ")?.split_once(". ")?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::violations;

    fn judge(records: &[(&str, &str)]) -> Vec<String> {
        let owned: Vec<_> = records
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        violations(&owned)
    }

    #[test]
    fn numbers_that_agree_are_fine_and_one_may_be_missing() {
        let records = [
            ("0001-a.md", "# 1. A\n\ntext"),
            ("0012-b-c.md", "# 12. B. And c\n"),
        ];
        assert_eq!(judge(&records), Vec::<String>::new());
    }

    #[test]
    fn one_number_is_not_given_twice() {
        let found = judge(&[("0014-a.md", "# 14. A\n"), ("0014-b.md", "# 14. B\n")]);
        assert_eq!(
            found,
            ["docs/decisions/0014-b.md has the number of 0014-a.md"]
        );
    }

    #[test]
    fn title_has_the_number_of_its_file() {
        for title in ["# 14. A", "# A", "", "15. A", "# 15 A"] {
            let found = judge(&[("0015-a.md", title)]);
            assert_eq!(found.len(), 1, "{title}: {found:?}");
            assert!(
                found[0].contains("does not begin with `# 15. `"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn file_without_number_is_no_record() {
        for name in ["notes.md", "15-a.md", "0015-a.txt", "00x5-a.md"] {
            let found = judge(&[(name, "# 15. A\n")]);
            assert!(
                found.len() == 1 && found[0].contains("is not named"),
                "{name}: {found:?}"
            );
        }
    }
}
