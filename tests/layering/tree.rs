//! All files of `src` except tests, and the file that a path leads to.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Path, Source};

pub struct Tree {
    by_module: BTreeMap<Vec<String>, Source>,
    /// Names and lengths of all files, including tests.
    pub lengths: Vec<(String, usize)>,
}

impl Tree {
    pub fn new(files: &[(String, String)]) -> Tree {
        let sources: Vec<Source> = files.iter().map(|(name, text)| Source::read(name, text)).collect();
        let lengths = sources.iter().map(|source| (source.name.clone(), source.lines)).collect();
        let tests: BTreeSet<String> =
            sources.iter().flat_map(|source| source.test_modules.iter().cloned()).collect();
        let is_test = |source: &Source| {
            let name = source.name.trim_end_matches(".rs");
            tests.iter().any(|test| name == test || name.starts_with(&format!("{test}/")))
        };
        let by_module = sources
            .into_iter()
            .filter(|source| !is_test(source))
            .map(|source| (source.modules.clone(), source))
            .collect();
        Tree { by_module, lengths }
    }

    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.by_module.values()
    }

    /// The path from the crate's root, if it names an item of this crate: a path in `source` may be relative to its module.
    pub fn absolute(&self, source: &Source, path: &[String]) -> Option<Path> {
        if path.first().is_some_and(|first| first == "crate") {
            return Some(path.to_vec());
        }
        let inside: Vec<String> = source.modules.iter().chain(path.first()).cloned().collect();
        self.by_module.contains_key(&inside).then(|| {
            ["crate".to_owned()]
                .into_iter()
                .chain(source.modules.iter().cloned())
                .chain(path.iter().cloned())
                .collect()
        })
    }

    /// The file that defines the item of an absolute path. Re-exports of a `mod.rs` are followed to their origin.
    pub fn home(&self, path: &[String]) -> Option<&Source> {
        self.follow(path, 8)
    }

    fn follow(&self, path: &[String], steps: usize) -> Option<&Source> {
        let inside = path.get(1..)?;
        let depth = (0..=inside.len()).rev().find(|depth| self.by_module.contains_key(&inside[..*depth]))?;
        let source = self.by_module.get(&inside[..depth])?;
        let bound = inside.get(depth).and_then(|name| source.bindings.get(name));
        let (Some(bound), Some(steps)) = (bound, steps.checked_sub(1)) else { return Some(source) };
        let Some(bound) = self.absolute(source, bound) else { return Some(source) };
        let rest = inside.get(depth + 1..).unwrap_or_default();
        self.follow(&bound.into_iter().chain(rest.iter().cloned()).collect::<Path>(), steps)
    }
}
