//! The table of layers: the workspace crates that each one may depend on.
//!
//! Development dependencies are free: a test may reach for any crate. Two crates are special: the
//! testkit is nothing *but* a development dependency, and the acceptance tests are a black box, so they
//! link no workspace crate, even for development, but the testkit for the servers it starts.

use crate::workspace::Member;

/// A workspace crate and those that it may depend on directly.
pub(super) struct Layer {
    pub(super) name: &'static str,
    may_use: &'static [&'static str],
    /// Below `attache-http`: knows no HTTP, and shows no foreign type in its public API.
    pub(super) is_core: bool,
}

pub(super) const LAYERS: &[Layer] = &[
    core("attache-model", &[]),
    core("attache-lanes", &[]),
    core("attache-signing", &["attache-model"]),
    core("attache-storage", &["attache-model", "attache-lanes"]),
    core("attache-storage-s3", &["attache-storage", "attache-model"]),
    core("attache-metadata", &["attache-model"]),
    core(
        "attache-metadata-sql",
        &["attache-metadata", "attache-model", "attache-lanes"],
    ),
    core(
        "attache-service",
        &[
            "attache-model",
            "attache-signing",
            "attache-storage",
            "attache-metadata",
        ],
    ),
    outer("attache-http", &["attache-service", "attache-model"]),
    outer("attache", LIBRARIES),
    outer("attached", &["attache"]),
    outer(TESTKIT, LIBRARIES),
    outer(ACCEPTANCE, &[TESTKIT]),
    outer("attache-bench", &[]),
    outer("xtask", &[]),
];

const TESTKIT: &str = "attache-testkit";
const ACCEPTANCE: &str = "attache-acceptance";

/// The crates that the facade re-exports.
const LIBRARIES: &[&str] = &[
    "attache-model",
    "attache-lanes",
    "attache-signing",
    "attache-storage",
    "attache-storage-s3",
    "attache-metadata",
    "attache-metadata-sql",
    "attache-service",
    "attache-http",
];

const fn core(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use,
        is_core: true,
    }
}

const fn outer(name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        name,
        may_use,
        is_core: false,
    }
}

/// Returns every dependency between members that the table does not allow, and every member it lacks.
pub(super) fn violations(members: &[Member]) -> Vec<String> {
    let mut violations = Vec::new();
    for member in members {
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == member.name) else {
            violations.push(format!(
                "{} has no place in the layers: give it a row in xtask/src/guard/layers.rs",
                member.name
            ));
            continue;
        };
        let ours = member.dependencies.iter().filter(|dependency| {
            (!dependency.is_dev || member.name == ACCEPTANCE)
                && members.iter().any(|other| other.name == dependency.name)
        });
        for dependency in ours {
            if dependency.name == TESTKIT && !dependency.is_dev {
                violations.push(format!(
                    "{} depends on {TESTKIT} outside [dev-dependencies]",
                    member.name
                ));
            } else if !layer.may_use.contains(&dependency.name.as_str()) {
                violations.push(format!(
                    "{} depends on {}; it may depend on {:?} only",
                    member.name, dependency.name, layer.may_use
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn member(name: &str, normal: &[&str], dev: &[&str]) -> Member {
        let dependency = |is_dev| {
            move |name: &&str| Dependency {
                name: (*name).to_owned(),
                is_dev,
            }
        };
        let normal = normal.iter().map(dependency(false));
        let dev = dev.iter().map(dependency(true));
        Member {
            name: name.to_owned(),
            dependencies: normal.chain(dev).collect(),
        }
    }

    fn workspace(service: &[&str], service_dev: &[&str]) -> Vec<Member> {
        vec![
            member("attache-model", &["uuid"], &[]),
            member("attache-storage", &["attache-model"], &[]),
            member("attache-metadata-sql", &["attache-model", "sqlx"], &[]),
            member("attache-testkit", &["attache-storage"], &[]),
            member("attache-service", service, service_dev),
        ]
    }

    #[test]
    fn downward_and_development_dependencies_are_allowed() {
        let members = workspace(
            &["attache-model", "attache-storage", "tokio"],
            &["attache-testkit", "attache-metadata-sql"],
        );
        assert_eq!(violations(&members), Vec::<String>::new());
    }

    #[test]
    fn service_that_names_a_backend_is_refused() {
        let found = violations(&workspace(&["attache-metadata-sql"], &[]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("attache-service depends on attache-metadata-sql"));
    }

    #[test]
    fn testkit_outside_development_is_refused() {
        let found = violations(&workspace(&["attache-testkit"], &[]));
        assert_eq!(
            found,
            ["attache-service depends on attache-testkit outside [dev-dependencies]"]
        );
    }

    #[test]
    fn acceptance_tests_link_no_workspace_crate() {
        let members = [
            member("attache-model", &[], &[]),
            member("attache-acceptance", &[], &["attache-model", "tokio"]),
        ];
        let found = violations(&members);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("attache-acceptance depends on attache-model"));
    }

    #[test]
    fn crate_without_row_is_refused() {
        let found = violations(&[member("attache-surprise", &[], &[])]);
        assert!(
            found[0].starts_with("attache-surprise has no place"),
            "{found:?}"
        );
    }

    #[test]
    fn every_name_in_a_row_has_a_row() {
        for name in LAYERS.iter().flat_map(|layer| layer.may_use) {
            assert!(LAYERS.iter().any(|layer| layer.name == *name), "{name}");
        }
    }
}
