//! The English of the field: in Rust files and documents, in what `rustdoc` shows, in names of tests.
//!
//! CONTRIBUTING.md has the rules. This check knows a few words that broke them before.

use std::path::Path;

use anyhow::Result;

use crate::guard::sources::{self, Source};

/// This file has to name what it looks for.
const SELF: &str = "xtask/src/guard/wording.rs";

/// Words to avoid, and what to write.
const WORDS: &[(&str, &str)] = &[
    ("anew", "again"),
    ("answered", "returned, responded"),
    ("answering", "returning, responding"),
    ("answers", "returns, responds, responses"),
    ("lest", "so that … not"),
    ("moment", "timestamp, time"),
    ("promise", "pending upload, reservation"),
    ("promised", "pending, declared"),
    ("promises", "pending uploads, guarantees"),
    ("promising", "beginning an upload"),
    ("stray", "orphan"),
    ("strays", "orphans"),
    ("whoever", "the client, the caller"),
    ("whom", "who, the person"),
];

/// Phrases to avoid, in lower case, and what to write.
const PHRASES: &[(&str, &str)] = &[
    ("«", "a backtick"),
    ("»", "a backtick"),
    ("in vain", "without effect"),
    ("of ours", "our own, a workspace crate"),
    ("to its turn", "its turn"),
];

/// Words that begin a question; the first sentence of a doc is a verb or a noun phrase.
const QUESTIONS: &[&str] = &[
    "How", "What", "When", "Where", "Whether", "Which", "Who", "Whom", "Whose", "Why",
];

/// Words that begin a clause; the name of a test begins with its subject.
const CLAUSES: &[&str] = &[
    "a", "an", "how", "nobody", "nothing", "that", "the", "what", "when", "where", "whether",
    "which", "who", "whose",
];

const MAX_TEST_NAME_CHARS: usize = 50;

/// Returns every place that breaks a rule.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let sources = sources::read(root, &["md", "rs"])?;
    let checked = sources.iter().filter(|source| source.path != SELF);
    Ok(checked.flat_map(violations).collect())
}

fn violations(source: &Source) -> Vec<String> {
    let mut violations = Vec::new();
    let is_rust = Path::new(&source.path).extension() == Some("rs".as_ref());
    let mut before = "";
    for (line, number) in source.text.lines().zip(1..) {
        let place = format!("{}:{number}", source.path);
        violations.extend(words(line).map(|found| format!("{place}: {found}")));
        if is_rust {
            let found = question(before, line).or_else(|| test_name(before, line));
            violations.extend(found.map(|found| format!("{place}: {found}")));
        }
        before = line.trim();
    }
    violations
}

/// Returns the words and phrases of a line that should be others.
fn words(line: &str) -> impl Iterator<Item = String> {
    let lower = line.to_lowercase();
    let split = split_words(line);
    let words = WORDS
        .iter()
        .filter(move |(word, _)| split.iter().any(|it| it == word));
    let phrases = PHRASES
        .iter()
        .filter(move |(phrase, _)| lower.contains(phrase));
    words
        .chain(phrases)
        .map(|(found, better)| format!("`{found}` (better: {better})"))
}

/// Splits at everything but letters, and where a capital letter begins a word of a type's name.
fn split_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in line.chars() {
        let begins = !letter.is_alphabetic() || (letter.is_uppercase() && was_lower);
        was_lower = letter.is_lowercase();
        if begins {
            words.push(String::new());
        }
        if letter.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

/// Returns what is wrong with the first line of a doc comment.
fn question(before: &str, line: &str) -> Option<String> {
    let line = line.trim();
    let mark = ["///", "//!"]
        .into_iter()
        .find(|mark| line.starts_with(mark))?;
    if before.starts_with(mark) {
        return None;
    }
    let first = line[mark.len()..].split_whitespace().next()?;
    let first = first.trim_end_matches(|letter: char| !letter.is_alphabetic());
    QUESTIONS
        .contains(&first)
        .then(|| format!("the doc begins with `{first}` (better: a verb or a noun phrase)"))
}

/// Returns what is wrong with the name of a test that follows its attribute.
fn test_name(before: &str, line: &str) -> Option<String> {
    if !(before.starts_with("#[test]") || before.starts_with("#[tokio::test")) {
        return None;
    }
    let (_, signature) = line.split_once("fn ")?;
    let name = signature.split(['(', '<']).next()?;
    let first = name.split('_').next()?;
    if CLAUSES.contains(&first) {
        Some(format!(
            "the test `{name}` begins with `{first}` (better: its subject)"
        ))
    } else if name.len() > MAX_TEST_NAME_CHARS {
        let length = name.len();
        Some(format!(
            "the name of the test `{name}` has {length} characters, more than {MAX_TEST_NAME_CHARS}"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        violations(&Source {
            path: path.to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn listed_words_are_found_in_prose_and_names() {
        for text in [
            "It answers the client.",
            "let promised_upload = 1;",
            "struct PromisedUpload;",
            "a «quote»",
            "Whoever comes",
        ] {
            assert!(!found("a.md", text).is_empty(), "{text}");
        }
        for text in ["the answer", "lester", "momentum", "StrayQuote"] {
            let expected = usize::from(text == "StrayQuote");
            assert_eq!(found("a.rs", text).len(), expected, "{text}");
        }
    }

    #[test]
    fn place_and_better_words_are_named() {
        assert_eq!(
            found("docs/a.md", "fine\ntry anew\n"),
            ["docs/a.md:2: `anew` (better: again)"]
        );
    }

    #[test]
    fn doc_that_begins_with_a_question_is_found() {
        assert_eq!(found("a.rs", "//! What is served.").len(), 1);
        assert_eq!(
            found("a.rs", "    /// Whether it is.\n    x: bool").len(),
            1
        );
        assert_eq!(found("a.rs", "/// Returns\n/// what is there.").len(), 0);
        assert_eq!(found("a.rs", "/// Returns it.\n/// Which one").len(), 0);
        assert_eq!(found("a.md", "/// What is served.").len(), 0);
    }

    #[test]
    fn test_name_with_article_or_over_50_chars_is_found() {
        let test = |name: &str| found("a.rs", &format!("#[test]\nfn {name}() {{\n"));
        assert_eq!(test("the_link_expires").len(), 1);
        assert_eq!(test(&"x".repeat(51)).len(), 1);
        assert_eq!(test(&"x".repeat(50)).len(), 0);
        assert_eq!(test("expired_link_is_refused").len(), 0);
        let asynchronous = "#[tokio::test(start_paused = true)]\nasync fn a_test() {";
        assert_eq!(found("a.rs", asynchronous).len(), 1);
    }
}
