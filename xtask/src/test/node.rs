//! Node.js, which runs the JavaScript that published pages print: found, or installed.

use anyhow::Result;

use super::apt;

/// The first version that has `fetch` and `Blob` built in.
const OLDEST: u32 = 18;

/// Makes sure that there is a Node.js that can run what the pages print.
///
/// # Errors
/// When there is none, or only an older one, and none can be installed; the message has the remedy.
pub(super) fn require() -> Result<()> {
    let what = format!("Node.js from version {OLDEST} on");
    let is_there = || apt::version("node").is_some_and(|version| is_new_enough(&version));
    apt::require(&what, "nodejs", is_there, "have `node` on the PATH")
}

/// Reads what it says of itself, such as `v20.20.2`.
fn is_new_enough(version: &str) -> bool {
    let numbers = version.trim().strip_prefix('v').unwrap_or_default();
    let major = numbers.split('.').next().and_then(|it| it.parse().ok());
    major.is_some_and(|major: u32| major >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for new in ["v18.0.0\n", "v20.20.2", "v100.1.0"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["", "v", "v16.20.2", "v9.0.0", "20.0.0", "node"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
