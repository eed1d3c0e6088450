//! The known word that a misspelt one most likely stands for.

/// The least likeness of two words, of 1 for equal ones, at which one may stand for the other.
const LIKENESS_MIN: f64 = 0.8;

/// Returns the known word that is most like `word`, or `None` if none is.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&word, &known.to_lowercase());
    let rated = known.into_iter().map(|known| (likeness(known), known));
    let best = rated.max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (best.0 >= LIKENESS_MIN).then_some(best.1)
}

/// Writes a hint at the known word that is most like `word`, or nothing.
pub(super) fn hint<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_word_finds_its_like_or_nothing() {
        let known = ["files:read", "content:read", "files:write", "links:create"];
        for (word, expected) in [
            ("files:reed", Some("files:read")),
            ("file:read", Some("files:read")),
            ("FILES:WRITE", Some("files:write")),
            ("link:create", Some("links:create")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
