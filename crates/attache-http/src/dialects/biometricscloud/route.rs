//! The URLs of biometricscloud.

use std::fmt;

use crate::served::Routes;

use attache_model::FileSeq;

/// One URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// All records.
    Files,
    /// One record.
    File(FileSeq),
}

impl Routes for Route {
    /// An ill-formed number is read as one that no record has.
    fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["api", "v1", "files"] => Some(Self::Files),
            ["api", "v1", "file", id] => Some(Self::File(file_seq(id))),
            _ => None,
        }
    }

    fn template(&self) -> &'static str {
        match self {
            Self::Files => "/api/v1/files",
            Self::File(_) => "/api/v1/file/{id}",
        }
    }
}

/// Builds the path.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files => f.write_str(self.template()),
            Self::File(seq) => write!(f, "/api/v1/file/{}", seq.get()),
        }
    }
}

/// Digits, in the one way a number is written. Numbers count from 1.
fn file_seq(segment: &str) -> FileSeq {
    let number = segment.parse().ok();
    let number = number.filter(|number: &i64| number.to_string() == segment);
    FileSeq::new(number.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::biometricscloud::Biometricscloud;
    use crate::served::tests::check_routes;

    #[test]
    fn routes_and_operations_belong_together() {
        let routes = vec![Route::Files, Route::File(FileSeq::new(42))];
        check_routes::<Biometricscloud>(routes);
        assert_eq!(Route::parse("/api/v1/files/1"), None);
    }

    #[test]
    fn an_ill_formed_number_is_one_that_no_record_has() {
        for wrong in ["", "x", "+1", "01", "1.0", "99999999999999999999"] {
            let route = Route::parse(&format!("/api/v1/file/{wrong}"));
            assert_eq!(route, Some(Route::File(FileSeq::new(0))), "{wrong}");
        }
    }
}
