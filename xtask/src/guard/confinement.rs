//! Drivers, SDKs, HTTP crates and web frameworks are confined to the crates that exist for them.

use crate::guard::layers::LAYERS;
use crate::workspace::Member;

/// A family of foreign crates and the members that may depend on it.
struct Confinement {
    /// Package names; one that ends in `*` stands for all names with this beginning.
    packages: &'static [&'static str],
    allowed: Allowed,
}

enum Allowed {
    /// These members alone.
    Only(&'static [&'static str]),
    /// The members at or above `attache-http`.
    OutsideCore,
    /// No member but in its tests and examples.
    Nobody,
}

const CONFINEMENTS: &[Confinement] = &[
    Confinement {
        packages: &["aws-*"],
        allowed: Allowed::Only(&["attache-storage-s3"]),
    },
    Confinement {
        packages: &["sqlx*", "libsqlite3-sys", "tokio-postgres"],
        allowed: Allowed::Only(&["attache-metadata-sql"]),
    },
    Confinement {
        packages: &["rusqlite"],
        // The yardstick of the benchmarks commits to SQLite too.
        allowed: Allowed::Only(&["attache-metadata-sql", "attache-bench"]),
    },
    Confinement {
        packages: &[
            "http",
            "http-body*",
            "hyper*",
            "tower*",
            "headers",
            "httpdate",
        ],
        allowed: Allowed::OutsideCore,
    },
    Confinement {
        packages: &["axum*", "actix-*", "tonic*", "warp"],
        allowed: Allowed::Nobody,
    },
];

/// Every direct dependency that leaves its confinement. Development dependencies are free.
pub(super) fn violations(members: &[Member]) -> Vec<String> {
    let mut violations = Vec::new();
    for member in members {
        for dependency in member
            .dependencies
            .iter()
            .filter(|dependency| !dependency.is_dev)
        {
            let broken = CONFINEMENTS
                .iter()
                .filter(|confinement| confinement.holds(&dependency.name))
                .find(|confinement| !confinement.allowed.includes(&member.name));
            if let Some(confinement) = broken {
                violations.push(format!(
                    "{} depends on {}, which {}",
                    member.name,
                    dependency.name,
                    confinement.allowed.rule()
                ));
            }
        }
    }
    violations
}

impl Confinement {
    fn holds(&self, package: &str) -> bool {
        self.packages
            .iter()
            .any(|pattern| matches(pattern, package))
    }
}

impl Allowed {
    fn includes(&self, member: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(&member),
            Self::OutsideCore => !LAYERS
                .iter()
                .any(|layer| layer.is_core && layer.name == member),
            Self::Nobody => false,
        }
    }

    fn rule(&self) -> String {
        match self {
            Self::Only(names) => format!("belongs into {} only", names.join(" and ")),
            Self::OutsideCore => "belongs into attache-http and above".to_owned(),
            Self::Nobody => "belongs into tests and examples only".to_owned(),
        }
    }
}

/// Returns `true` if `name` equals the pattern, or begins with it where the pattern ends in `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn violation(member: &str, package: &str, is_dev: bool) -> Option<String> {
        let dependencies = vec![Dependency {
            name: package.to_owned(),
            is_dev,
        }];
        violations(&[Member {
            name: member.to_owned(),
            dependencies,
        }])
        .pop()
    }

    #[test]
    fn drivers_and_sdks_stay_in_their_crate() {
        assert_eq!(violation("attache-metadata-sql", "sqlx", false), None);
        assert_eq!(violation("attache-storage-s3", "aws-sdk-s3", false), None);
        for member in [
            "attache-service",
            "attache-http",
            "attache",
            "attached",
            "xtask",
        ] {
            assert!(violation(member, "sqlx", false).is_some(), "{member}");
            assert!(
                violation(member, "libsqlite3-sys", false).is_some(),
                "{member}"
            );
            assert!(violation(member, "aws-config", false).is_some(), "{member}");
        }
    }

    #[test]
    fn http_stays_at_the_top() {
        for package in [
            "http",
            "http-body-util",
            "hyper",
            "hyper-util",
            "tower-http",
            "headers",
        ] {
            assert_eq!(violation("attache-http", package, false), None);
            assert_eq!(violation("attached", package, false), None);
            let found = violation("attache-service", package, false);
            assert!(
                found.is_some_and(|text| text.contains("attache-http and above")),
                "{package}"
            );
        }
    }

    #[test]
    fn web_framework_is_for_examples_only() {
        assert!(violation("attache-http", "axum", false).is_some());
        assert_eq!(violation("attache-http", "axum", true), None);
    }

    #[test]
    fn other_names_are_free() {
        for package in ["httparse", "towel", "bytes", "aws"] {
            assert_eq!(violation("attache-model", package, false), None);
        }
    }
}
