//! Reads the paths that a crate's public items name out of rustdoc's JSON.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// One crate's rustdoc JSON.
pub(super) struct Document<'a> {
    index: &'a Map<String, Value>,
    paths: &'a Map<String, Value>,
    external_crates: &'a Map<String, Value>,
}

/// A public item that names a type or trait of another crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mention {
    /// The item, and its file and line.
    pub(super) place: String,
    /// As the source writes it.
    pub(super) path: String,
    /// The crate that defines it, which is not always the one it was imported from.
    pub(super) crate_name: String,
}

/// A path inside an item: how it is written and what it points at.
struct PathUse<'a> {
    text: &'a str,
    id: Option<String>,
}

impl<'a> Document<'a> {
    /// # Errors
    /// If the JSON is not what rustdoc writes.
    pub(super) fn new(json: &'a Value) -> Result<Self> {
        let table = |name: &str| {
            json.get(name)
                .and_then(Value::as_object)
                .with_context(|| format!("rustdoc's JSON has no table `{name}`"))
        };
        Ok(Self {
            index: table("index")?,
            paths: table("paths")?,
            external_crates: table("external_crates")?,
        })
    }

    /// Returns the items of other crates that this crate's public items name, sorted, each once.
    ///
    /// Impls that the compiler makes (`Send`) and those that another crate makes for every type
    /// (`impl<T> Into<U> for T`) do not count: this crate did not choose them.
    pub(super) fn mentions(&self) -> Vec<Mention> {
        let mut mentions = BTreeSet::new();
        for item in self.index.values() {
            let is_own = item["crate_id"].as_u64() == Some(0);
            let Some((kind, inner)) = item["inner"].as_object().and_then(|map| map.iter().next())
            else {
                continue;
            };
            if !is_own || is_automatic_impl(inner) {
                continue;
            }
            let mut uses = Vec::new();
            collect_uses(&item["inner"], &mut uses);
            mentions.extend(uses.into_iter().filter_map(|path_use| {
                Some(Mention {
                    place: place(kind, item),
                    path: path_use.text.to_owned(),
                    crate_name: self.crate_of(&path_use)?,
                })
            }));
        }
        mentions.into_iter().collect()
    }

    /// Returns the crate behind a path; `None` for the crate itself.
    fn crate_of(&self, path_use: &PathUse<'_>) -> Option<String> {
        let summary = path_use.id.as_ref().and_then(|id| self.paths.get(id));
        let Some(crate_id) = summary.and_then(|summary| summary["crate_id"].as_u64()) else {
            // rustdoc does not know the target: go by the first segment, if there are more.
            let (first, _rest) = path_use.text.trim_start_matches("::").split_once("::")?;
            return (!matches!(first, "crate" | "self" | "super")).then(|| first.to_owned());
        };
        let name = self.external_crates.get(&crate_id.to_string())?["name"].as_str()?;
        Some(name.to_owned())
    }
}

fn is_automatic_impl(inner: &Value) -> bool {
    inner["is_synthetic"].as_bool() == Some(true)
        || inner
            .get("blanket_impl")
            .is_some_and(|blanket| !blanket.is_null())
}

/// Types and traits carry `path`, re-exports `source`; either has the `id` of its target.
fn collect_uses<'a>(value: &'a Value, uses: &mut Vec<PathUse<'a>>) {
    match value {
        Value::Object(map) => {
            let text = map
                .get("path")
                .or_else(|| map.get("source"))
                .and_then(Value::as_str);
            if let (Some(text), Some(id)) = (text, map.get("id")) {
                uses.push(PathUse {
                    text,
                    id: id.as_u64().map(|id| id.to_string()),
                });
            }
            map.values().for_each(|value| collect_uses(value, uses));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_uses(value, uses)),
        _ => {}
    }
}

/// Returns a place such as ``function `open` (src/lib.rs:7)``.
fn place(kind: &str, item: &Value) -> String {
    let name = item["name"]
        .as_str()
        .map(|name| format!(" `{name}`"))
        .unwrap_or_default();
    let file = item["span"]["filename"].as_str();
    let line = item["span"]["begin"][0].as_u64();
    match (file, line) {
        (Some(file), Some(line)) => format!("{kind}{name} ({file}:{line})"),
        _ => format!("{kind}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A crate with the given items, beside `sqlx_core` (crate 7, type 70) and `core` (1, 10).
    fn mentions(items: &Value) -> Vec<(String, String)> {
        let document = json!({
            "index": items,
            "paths": {
                "5": {"crate_id": 0, "path": ["ours", "Store"], "kind": "struct"},
                "10": {"crate_id": 1, "path": ["core", "option", "Option"], "kind": "enum"},
                "70": {"crate_id": 7, "path": ["sqlx_core", "pool", "Pool"], "kind": "struct"}
            },
            "external_crates": {"1": {"name": "core"}, "7": {"name": "sqlx_core"}},
        });
        let found = Document::new(&document).expect("a document").mentions();
        found
            .into_iter()
            .map(|mention| (mention.place, mention.crate_name))
            .collect()
    }

    fn path(text: &str, id: u64, args: &Value) -> Value {
        json!({"resolved_path": {"path": text, "id": id, "args": args}})
    }

    #[test]
    fn type_deep_in_a_signature_is_found() {
        let pool = path("Pool", 70, &Value::Null);
        let option = path(
            "Option",
            10,
            &json!({"angle_bracketed": {"args": [{"type": pool}]}}),
        );
        let function = json!({"function": {"sig": {"inputs": [["pool", option]], "output": null}}});
        let span = json!({"filename": "src/lib.rs", "begin": [7, 1]});
        let items = json!({"1": {"crate_id": 0, "name": "open", "span": span, "inner": function}});
        let place = "function `open` (src/lib.rs:7)".to_owned();
        assert_eq!(
            mentions(&items),
            [
                (place.clone(), "core".to_owned()),
                (place, "sqlx_core".to_owned())
            ]
        );
    }

    #[test]
    fn trait_of_an_impl_and_its_arguments_are_found() {
        let error = path("sqlx::Error", 70, &Value::Null);
        let from = json!({
            "path": "From", "id": 10,
            "args": {"angle_bracketed": {"args": [{"type": error}]}},
        });
        let implementation = json!({"impl": {
            "trait": from, "for": path("Store", 5, &Value::Null),
            "is_synthetic": false, "blanket_impl": null,
        }});
        let items = json!({"1": {"crate_id": 0, "name": null, "inner": implementation}});
        let crates: Vec<_> = mentions(&items).into_iter().map(|(_, name)| name).collect();
        assert_eq!(crates, ["core", "sqlx_core"]);
    }

    #[test]
    fn re_export_with_unknown_target_is_found() {
        let items = json!({
            "1": {"crate_id": 0, "name": null, "inner": {
                "use": {"source": "sqlx::Pool", "name": "Pool", "id": null, "is_glob": false}}},
            "2": {"crate_id": 0, "name": null, "inner": {
                "use": {"source": "self::store::Store", "name": "Store", "id": 5}}},
        });
        assert_eq!(mentions(&items), [("use".to_owned(), "sqlx".to_owned())]);
    }

    #[test]
    fn own_types_and_automatic_impls_do_not_count() {
        let pool = path("Pool", 70, &Value::Null);
        let items = json!({
            "1": {"crate_id": 0, "name": "own", "inner": {
                "struct_field": path("Store", 5, &Value::Null)}},
            "2": {"crate_id": 7, "name": "foreign", "inner": {"struct_field": pool}},
            "3": {"crate_id": 0, "name": null, "inner": {"impl": {
                "for": pool, "is_synthetic": true, "blanket_impl": null}}},
            "4": {"crate_id": 0, "name": null, "inner": {"impl": {
                "for": pool, "is_synthetic": false, "blanket_impl": {"generic": "T"}}}},
        });
        assert_eq!(mentions(&items), []);
    }

    #[test]
    fn another_format_is_refused() {
        assert!(Document::new(&json!({"index": {}})).is_err());
    }
}
