//! No import circle within a crate, but for a module and its direct child.
//!
//! A module that names an item depends on the module that *defines* it: re-exports are followed, so
//! that `use crate::Service` counts as the file behind `lib.rs`. Tests are left out.

mod names;
mod tree;

use std::path::Path;

use anyhow::Result;
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use crate::workspace::Workspace;
use tree::Tree;

/// Returns every circle of every crate.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for root in workspace.crate_roots() {
        let tree = Tree::read(&root)?;
        violations.extend(circles(&tree, workspace.root()));
    }
    Ok(violations)
}

fn circles(tree: &Tree, workspace: &Path) -> Vec<String> {
    let mut graph = DiGraphMap::<usize, ()>::new();
    for (from, to) in tree.dependencies() {
        // A module may use its parent, whose child it is: that much of a circle is allowed.
        if tree.parent(from) != Some(to) {
            graph.add_edge(from, to, ());
        }
    }
    let mut circles: Vec<_> = tarjan_scc(&graph)
        .into_iter()
        .filter(|modules| modules.len() > 1)
        .map(|modules| describe(tree, &graph, &modules, workspace))
        .collect();
    circles.sort();
    circles
}

/// Names the imports that hold a circle together, such as `src/a.rs -> src/b.rs`.
fn describe(
    tree: &Tree,
    graph: &DiGraphMap<usize, ()>,
    modules: &[usize],
    workspace: &Path,
) -> String {
    let shown = |module| {
        let file = tree.file(module);
        file.strip_prefix(workspace)
            .unwrap_or(file)
            .display()
            .to_string()
    };
    let mut imports: Vec<_> = graph
        .all_edges()
        .filter(|(from, to, ())| modules.contains(from) && modules.contains(to))
        .map(|(from, to, ())| format!("{} -> {}", shown(from), shown(to)))
        .collect();
    imports.sort();
    format!(
        "{} modules in a circle: {}",
        modules.len(),
        imports.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes a crate and returns its circles.
    fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, source) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, source).expect("a file");
        }
        let tree = Tree::read(&folder.path().join("lib.rs")).expect("a crate");
        circles(&tree, folder.path())
    }

    #[test]
    fn circle_of_two_siblings_is_found() {
        let found = circles_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; fn f() { let _ = super::a::A; }"),
        ]);
        assert_eq!(found, ["2 modules in a circle: a.rs -> b.rs, b.rs -> a.rs"]);
    }

    #[test]
    fn circle_through_re_export_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "use crate::A; pub struct B(Box<A>);"),
        ];
        assert_eq!(circles_of(&files).len(), 1);
    }

    #[test]
    fn circle_through_glob_and_alias_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::*;"),
            ("a.rs", "use crate::b; pub struct A; fn f() { b::g(); }"),
            ("b.rs", "use crate::A as Other; pub fn g() {}"),
        ];
        assert_eq!(circles_of(&files).len(), 1);
    }

    #[test]
    fn circle_within_macro_arguments_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub const A: B = B;"),
            ("b.rs", "pub struct B; fn f() { vec![crate::a::A]; }"),
        ];
        assert_eq!(circles_of(&files).len(), 1);
    }

    #[test]
    fn module_and_its_direct_child_are_allowed() {
        let files = [
            ("lib.rs", "mod a; pub struct Root;"),
            ("a/mod.rs", "mod c; pub struct A; use c::C;"),
            ("a/c.rs", "use super::A; pub struct C(A);"),
        ];
        assert_eq!(circles_of(&files), Vec::<String>::new());
    }

    #[test]
    fn grandchild_that_uses_grandparent_is_found() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod c; pub struct A; use c::D;"),
            ("a/c.rs", "mod d; pub use d::D;"),
            ("a/c/d.rs", "use crate::a::A; pub struct D(A);"),
        ];
        assert_eq!(circles_of(&files).len(), 1);
    }

    #[test]
    fn tests_and_one_way_imports_are_no_circle() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            (
                "b.rs",
                "pub struct B; #[cfg(test)] mod tests { use crate::a::A; } \
                 #[cfg(all(test, unix))] fn f() { crate::a::A; }",
            ),
        ];
        assert_eq!(circles_of(&files), Vec::<String>::new());
    }
}
