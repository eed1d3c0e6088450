//! One integration test binary for each crate: every binary links all of its dependencies again.

/// Returns the crates with more than one.
pub(super) fn violations<'a>(members: impl Iterator<Item = (&'a str, usize)>) -> Vec<String> {
    let crowded = members.filter(|(_, count)| *count > 1);
    crowded
        .map(|(name, count)| {
            format!("{name} has {count} integration test binaries: make them modules of one")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::violations;

    #[test]
    fn second_test_binary_is_refused() {
        let members = [("none", 0), ("one", 1), ("two", 2)];
        let found = violations(members.into_iter());
        let expected = "two has 2 integration test binaries: make them modules of one";
        assert_eq!(found, [expected]);
    }
}
