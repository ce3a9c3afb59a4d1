//! Which file imports which, and the import circles.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::Tree;

/// A file and the files that it imports.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// The imports between the files of one room. A `mod.rs` names everything below it and is left out; an item that it
/// re-exports counts as an import of the file that defines the item.
pub fn imports(tree: &Tree, room: &str) -> Graph {
    let mut graph = Graph::new();
    let inside = |modules: &[String]| modules.first().is_some_and(|first| first == room);
    for source in tree.sources().filter(|source| inside(&source.modules) && !source.is_table_of_contents()) {
        let files = graph.entry(source.name.clone()).or_default();
        for path in &source.paths {
            let home = tree.absolute(source, path).and_then(|path| tree.home(&path));
            if let Some(home) = home
                && inside(&home.modules)
                && !home.is_table_of_contents()
                && home.name != source.name
            {
                files.insert(home.name.clone());
            }
        }
    }
    graph
}

/// The groups of two or more files in which each reaches each other.
pub fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|from| (from.as_str(), reachable(graph, from))).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for (from, below) in &reached {
        if !below.contains(from) || !seen.insert(*from) {
            continue;
        }
        let circle: Vec<String> = below
            .iter()
            .filter(|to| reached.get(**to).is_some_and(|back| back.contains(from)))
            .map(|to| (*to).to_owned())
            .collect();
        seen.extend(below.iter().filter(|to| circle.iter().any(|name| name == **to)).copied());
        circles.push(circle);
    }
    circles
}

/// All files that a file reaches by one or more imports; the file itself only if it is in a circle.
fn reachable<'a>(graph: &'a Graph, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = vec![from];
    while let Some(name) = next.pop() {
        for to in graph.get(name).into_iter().flatten() {
            if reached.insert(to.as_str()) {
                next.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::{Graph, circles, imports};
    use crate::tree::Tree;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        edges
            .iter()
            .map(|(from, to)| ((*from).to_owned(), to.iter().map(|name| (*name).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn circles_are_found_and_what_only_leads_into_one_is_not_in_it() {
        let edges = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a", "d"]), ("d", &[]), ("e", &["a"])]);
        assert_eq!(circles(&edges), [["a", "b", "c"]]);
        let two = graph(&[("a", &["b"]), ("b", &["a"]), ("c", &["d", "a"]), ("d", &["c"])]);
        assert_eq!(circles(&two), [["a", "b"], ["c", "d"]]);
        assert!(circles(&graph(&[("a", &["b"]), ("b", &[])])).is_empty());
    }

    #[test]
    fn an_import_through_a_table_of_contents_counts_as_one_of_the_file_behind_it() {
        let files = [
            ("query/mod.rs", "mod filter;\nmod sort;\npub use filter::Filter;"),
            ("query/filter.rs", "use super::sort;\npub struct Filter;\nfn f() { sort::g(); }"),
            ("query/sort.rs", "fn g() { vec![crate::query::Filter]; }"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let edges = imports(&Tree::new(&files), "query");
        assert_eq!(circles(&edges), [["query/filter.rs", "query/sort.rs"]]);
    }
}
