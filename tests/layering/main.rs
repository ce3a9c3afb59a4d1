//! The structure of the source: rooms import downward only, a few things are named in one place only, and documents name
//! existing files.
//!
//! - `rules`: what is allowed; the only file to edit when a room is added
//! - `source`: one Rust file: the paths that it names, the types that it defines, the types that it implements methods for
//! - `tree`: all files of `src`, and which file a path leads to
//! - `rooms`, `impls`, `graph`: the rules of Rust: imports, inherent impls, import circles
//! - `scripts`: the same of `js`
//! - `documents`: the paths in the documentation
//! - `report`: a table of folders and circles; `cargo test --test layering -- --ignored --nocapture`

mod documents;
mod graph;
mod impls;
mod report;
mod rooms;
mod rules;
mod scripts;
mod source;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use tree::Tree;

#[test]
fn every_source_file_keeps_the_rules() {
    let tree = Tree::new(&read_below("src", "rs"));
    assert!(tree.sources().count() > 10, "only {} source files", tree.sources().count());
    no_faults(rooms::faults(&tree));
}

#[test]
fn import_circles_only_become_fewer() {
    let tree = Tree::new(&read_below("src", "rs"));
    no_faults(rules::CIRCLES.iter().filter_map(|(room, limit)| {
        let files = graph::circles(&graph::imports(&tree, room)).concat();
        ratchet("files in import circles", room, files.len(), *limit)
    }));
}

#[test]
fn inherent_impls_outside_of_the_room_of_their_type_only_become_fewer() {
    let tree = Tree::new(&read_below("src", "rs"));
    no_faults(
        rules::STRAY_IMPLS.iter().filter_map(|(room, limit)| {
            ratchet("stray impls", room, impls::stray(&tree, room).len(), *limit)
        }),
    );
}

#[test]
fn every_script_keeps_the_rules() {
    let scripts = scripts::read(&read_scripts());
    assert!(scripts.len() > 10, "only {} scripts", scripts.len());
    no_faults(scripts::faults(&scripts));
}

#[test]
fn import_circles_of_scripts_only_become_fewer() {
    let graph = scripts::graph(&scripts::read(&read_scripts()));
    let files = graph::circles(&graph).concat();
    no_faults(ratchet("files in import circles", "js", files.len(), rules::SCRIPT_CIRCLES));
}

#[test]
fn a_folder_holds_at_most_a_dozen_files() {
    let folders = report::folders(&read_below("src", "rs"), &read_scripts());
    no_faults(folders.iter().filter_map(|(folder, lines)| {
        let larger = rules::LARGER_FOLDERS.iter().find(|(known, _)| known == folder);
        let limit = larger.map_or(rules::FILES_IN_A_FOLDER, |(_, limit)| *limit);
        (lines.len() > limit).then(|| format!("{folder}: {} files, at most {limit} allowed", lines.len()))
    }));
}

#[test]
fn every_path_in_the_documentation_exists() {
    let mut texts = read_below("docs", "md");
    for name in ["README.md", "CONTRIBUTING.md"] {
        texts.push((name.to_owned(), fs::read_to_string(root().join(name)).unwrap()));
    }
    no_faults(documents::faults(&texts, &|path| root().join(path).exists()));
}

#[test]
#[ignore = "prints a table, checks nothing"]
fn report() {
    report::print(&read_below("src", "rs"), &read_scripts());
}

/// A number that may only fall: a rise fails, and a fall must be recorded.
fn ratchet(what: &str, room: &str, now: usize, limit: usize) -> Option<String> {
    let report = "`cargo test --test layering -- --ignored --nocapture` lists them";
    (now > limit).then(|| format!("{room}: {now} {what}, at most {limit} allowed; {report}")).or_else(|| {
        (now < limit).then(|| {
            format!("{room}: {now} {what}, no longer {limit}: write {now} in tests/layering/rules.rs")
        })
    })
}

fn no_faults(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names below `folder` and texts of all files with this extension.
/// The scripts of `js`, those of the inspector's page too.
fn read_scripts() -> Vec<(String, String)> {
    let pages = read_below("js", "tsx").into_iter().map(|(name, text)| (name.replace(".tsx", ".ts"), text));
    read_below("js", "ts").into_iter().chain(pages).collect()
}

fn read_below(folder: &str, extension: &str) -> Vec<(String, String)> {
    let folder = root().join(folder);
    let mut paths = Vec::new();
    collect(&folder, extension, &mut paths);
    paths
        .iter()
        .map(|path| {
            let name = path
                .strip_prefix(&folder)
                .expect("it stands below the folder")
                .to_string_lossy()
                .replace('\\', "/");
            (name, fs::read_to_string(path).expect("the file is readable"))
        })
        .collect()
}

fn collect(folder: &Path, extension: &str, paths: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is readable")
        .map(|entry| entry.expect("the folder is readable").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, extension, paths);
        } else if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
}
