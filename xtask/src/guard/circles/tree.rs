//! The modules of a crate: their files, what each defines and names, and what the names stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::names::{Names, Path as NamePath, Submodule};

/// The deepest chain of re-exports that is followed; a longer one is a loop.
const MAX_DEPTH: usize = 16;

/// All modules of one crate; the first is its root.
pub(super) struct Tree {
    modules: Vec<Module>,
}

struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    names: Names,
}

impl Tree {
    /// Reads a crate from its root file, such as `src/lib.rs`.
    ///
    /// # Errors
    ///
    /// If a module's file is missing or is not Rust.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        let mut tree = Self {
            modules: Vec::new(),
        };
        tree.add(root, &folder, None, parse(root)?)?;
        Ok(tree)
    }

    /// Adds a module, whose submodules have their files in `folder`, and everything below it.
    fn add(
        &mut self,
        file: &Path,
        folder: &Path,
        parent: Option<usize>,
        mut names: Names,
    ) -> Result<usize> {
        let submodules = std::mem::take(&mut names.submodules);
        let index = self.modules.len();
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            names,
        });
        for Submodule { name, content } in submodules {
            let folder = folder.join(&name);
            let child = if let Some(names) = content {
                self.add(file, &folder, Some(index), names)?
            } else {
                let file = find_file(&folder)?;
                let names = parse(&file)?;
                self.add(&file, &folder, Some(index), names)?
            };
            self.modules[index].children.insert(name, child);
        }
        Ok(index)
    }

    pub(super) fn parent(&self, module: usize) -> Option<usize> {
        self.modules[module].parent
    }

    pub(super) fn file(&self, module: usize) -> &Path {
        &self.modules[module].file
    }

    /// Returns each pair of a module and another one that defines something it names.
    pub(super) fn dependencies(&self) -> BTreeSet<(usize, usize)> {
        let mut dependencies = BTreeSet::new();
        for (from, module) in self.modules.iter().enumerate() {
            for path in &module.names.paths {
                if let Some(to) = self.resolve(from, path, 0)
                    && to != from
                {
                    dependencies.insert((from, to));
                }
            }
        }
        dependencies
    }

    /// Returns the module that defines what `path` names within `module`; `None` for other crates.
    fn resolve(&self, module: usize, path: &[String], depth: usize) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        if depth > MAX_DEPTH {
            return None;
        }
        match first.as_str() {
            "crate" => self.walk(0, rest, depth),
            "self" => self.walk(module, rest, depth),
            "super" => self.walk(self.parent(module)?, rest, depth),
            name => {
                let here = &self.modules[module];
                if let Some(child) = here.children.get(name) {
                    self.walk(*child, rest, depth)
                } else {
                    let target = here.names.imports.get(name)?;
                    // `use tokio::sync` within a module named `tokio` would loop here.
                    let known = target.first() != Some(first) || target.len() > path.len();
                    known
                        .then(|| self.resolve(module, &join(target, rest), depth + 1))
                        .flatten()
                }
            }
        }
    }

    fn walk(&self, mut module: usize, path: &[String], depth: usize) -> Option<usize> {
        let mut rest = path;
        while let Some((name, after)) = rest.split_first() {
            let here = &self.modules[module];
            if name == "super" {
                module = here.parent?;
            } else if let Some(child) = here.children.get(name) {
                module = *child;
            } else if here.names.items.contains(name) {
                return Some(module);
            } else if let Some(target) = here.names.imports.get(name) {
                return self.resolve(module, &join(target, after), depth + 1);
            } else {
                return Some(self.through_globs(module, name, depth).unwrap_or(module));
            }
            rest = after;
        }
        Some(module)
    }

    /// Returns the module that defines a name which another one re-exports by `pub use module::*`.
    fn through_globs(&self, module: usize, name: &String, depth: usize) -> Option<usize> {
        let globs = self.modules[module].names.globs.iter();
        globs
            .filter_map(|glob| self.resolve(module, glob, depth + 1))
            .find(|target| {
                let target = &self.modules[*target];
                target.names.items.contains(name) || target.children.contains_key(name)
            })
    }
}

fn join(path: &NamePath, rest: &[String]) -> NamePath {
    path.iter().chain(rest).cloned().collect()
}

fn parse(file: &Path) -> Result<Names> {
    let context = || format!("cannot read {}", file.display());
    let source = std::fs::read_to_string(file).with_context(context)?;
    let syntax = syn::parse_file(&source).with_context(context)?;
    Ok(Names::of(&syntax.items))
}

/// Finds the file of the module whose submodules have their files in `folder`.
fn find_file(folder: &Path) -> Result<PathBuf> {
    let candidates = [folder.with_extension("rs"), folder.join("mod.rs")];
    match candidates.into_iter().find(|file| file.is_file()) {
        Some(file) => Ok(file),
        None => bail!("the module {} has no file", folder.display()),
    }
}
