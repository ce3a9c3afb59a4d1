//! Imports between rooms, and between the folders of a room.

use crate::rules::{Below, CONFINED, FOLDERS, LONGEST_FILE, ROOMS};
use crate::source::{Path, Source};
use crate::tree::Tree;

pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults: Vec<String> = tree
        .lengths
        .iter()
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(name, lines)| format!("src/{name}: {lines} lines, above {LONGEST_FILE}"))
        .collect();
    for source in tree.sources() {
        faults
            .extend(faults_of(tree, source).into_iter().map(|fault| format!("src/{}: {fault}", source.name)));
    }
    faults.sort();
    faults.dedup();
    faults
}

fn faults_of(tree: &Tree, source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let room = source.modules.first().map(String::as_str);
    if let Some(room) = room
        && !ROOMS.iter().any(|(known, _)| *known == room)
    {
        faults.push(format!("there is no room {room}; name it in tests/layering/rules.rs"));
    }
    if source.is_table_of_contents() && source.has_function {
        faults.push("a table of contents holds a function".to_owned());
    }
    if let (Some(folders), Some((folder, "mod.rs"))) = (folders_of(room), parts(&source.name))
        && !folders.iter().any(|(known, _)| *known == folder)
    {
        let room = room.unwrap_or_default();
        faults.push(format!("{room} has no folder {folder}; name it in tests/layering/rules.rs"));
    }
    for path in &source.paths {
        faults.extend(upward(tree, source, path));
        faults.extend(confined(&source.name, path));
    }
    faults
}

/// An import of a room or folder that is not below the importing one.
fn upward(tree: &Tree, source: &Source, path: &Path) -> Option<String> {
    let room = source.modules.first()?;
    let path = tree.absolute(source, path)?;
    let target = room_named_by(tree, &path)?;
    if target != *room {
        let below = ROOMS.iter().find(|(known, _)| known == room)?.1;
        return (!below.contains(&target.as_str()))
            .then(|| format!("{room} may not import {target} ({})", path.join("::")));
    }
    let folders = folders_of(Some(room))?;
    let home = tree.home(&path)?;
    let (folder, _) = parts(&source.name)?;
    let (named, _) = parts(&home.name)?;
    let below = folders.iter().find(|(known, _)| *known == folder)?.1;
    let known = folders.iter().any(|(known, _)| *known == named);
    (known && folder != named && !below.contains(&named))
        .then(|| format!("{room}/{folder} may not import {room}/{named} ({})", path.join("::")))
}

/// The room that an absolute path names. `crate::Error`, which `lib.rs` re-exports, belongs to its original room.
fn room_named_by(tree: &Tree, path: &[String]) -> Option<String> {
    let first = path.get(1)?;
    if ROOMS.iter().any(|(known, _)| known == first) {
        return Some(first.clone());
    }
    tree.home(path)?.modules.first().cloned()
}

fn folders_of(room: Option<&str>) -> Option<Below> {
    FOLDERS.iter().find(|(known, _)| Some(*known) == room).map(|(_, folders)| *folders)
}

/// The folder within the room, and the rest: `engine/read/find.rs` is `read` and `find.rs`.
fn parts(name: &str) -> Option<(&str, &str)> {
    name.split_once('/')?.1.split_once('/')
}

fn confined(name: &str, path: &[String]) -> Option<String> {
    let text = path.join("::");
    for (prefix, places) in CONFINED {
        let named = text == *prefix || text.starts_with(&format!("{prefix}::"));
        let inside =
            places.iter().any(|place| name == *place || (place.ends_with('/') && name.starts_with(place)));
        if named && !inside {
            return Some(format!("{prefix} belongs in {} ({text})", places.join(", ")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Tree, faults};

    fn faults_in(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, String)> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        faults(&Tree::new(&files))
    }

    fn one_fault(name: &str, text: &str, part: &str) {
        let faults = faults_in(&[(name, text), LIB, ERROR, OPTIONS]);
        assert!(faults.len() == 1 && faults.iter().all(|fault| fault.contains(part)), "{faults:?}");
    }

    fn no_fault(name: &str, text: &str) {
        assert_eq!(faults_in(&[(name, text), LIB]), Vec::<String>::new());
    }

    const LIB: (&str, &str) = ("lib.rs", "pub use error::{Error, Kind};\npub use options::OpenOptions;");
    const ERROR: (&str, &str) = ("error.rs", "pub struct Error;");
    const OPTIONS: (&str, &str) = ("options.rs", "pub struct OpenOptions;");

    #[test]
    fn an_import_downward_is_fine() {
        no_fault("engine/read.rs", "use crate::storage::Lsn;\nuse crate::{document::Value, Error};");
        no_fault("storage/disk.rs", "use super::frame::Frame;\nuse crate::options::StorageMode;");
        no_fault("query/aggregate/stage.rs", "use super::super::filter::Filter;");
    }

    #[test]
    fn an_import_upward_is_found() {
        one_fault("document/value.rs", "use crate::query::Filter;", "document may not import query");
        one_fault("storage/disk.rs", "use crate::document::Value;", "storage may not import document");
        one_fault("query/plan.rs", "use crate::index::Key;", "query may not import index");
        one_fault("work.rs", "use crate::options::OpenOptions;", "work may not import options");
    }

    #[test]
    fn grouped_nested_and_qualified_paths_are_found() {
        one_fault("document/value.rs", "use crate::{error::Error, engine::{Database}};", "import engine");
        one_fault("query/sort.rs", "fn f() { let x = crate::storage::Lsn(1); }", "may not import storage");
        one_fault("query/sort.rs", "pub(in crate::engine) fn f() {}", "query may not import engine");
        one_fault("document/id.rs", "use crate::OpenOptions;", "document may not import options");
        one_fault("query/sort.rs", "fn f(x: &dyn Fn(Vec<crate::storage::Lsn>)) {}", "may not import storage");
    }

    #[test]
    fn paths_within_macros_are_found() {
        one_fault("query/sort.rs", "fn f() { assert!(x == [crate::storage::Lsn(1)]); }", "import storage");
        one_fault("query/sort.rs", "macro_rules! m { () => { $crate::storage::Lsn(1) } }", "import storage");
        one_fault("query/sort.rs", "m! { use crate::storage::{Lsn}; }", "import storage");
        one_fault("engine/a.rs", "#[derive(napi_derive::X)]\nstruct A;", "napi_derive belongs in binding/");
        one_fault(
            "engine/a.rs",
            "use std::time;\nfn f() { println!(\"{}\", time::Instant::now()); }",
            "Instant",
        );
    }

    #[test]
    fn a_chain_of_super_that_leaves_the_room_is_found() {
        one_fault("document/value.rs", "use super::super::engine::Database;", "may not import engine");
        one_fault("document/mod.rs", "use super::engine::Database;", "document may not import engine");
        one_fault("query/aggregate/stage.rs", "use super::super::super::storage::Lsn;", "import storage");
        one_fault("document/value.rs", "mod inner { use super::super::super::engine::X; }", "import engine");
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        no_fault(
            "document/value.rs",
            "//! [`crate::engine`]\nconst A: &str = \"use std::fs; crate::engine::X\";",
        );
        no_fault("document/value.rs", "#[cfg(test)]\nmod tests { use crate::engine::X; fn f() { {} } }");
        no_fault("document/value.rs", "#[cfg(all(test, unix))]\nfn f() { crate::engine::x(); }");
        no_fault("storage/mod.rs", "#[cfg(test)]\nmod suite;\npub mod frame;");
        no_fault("document/value.rs", "struct A { #[cfg(test)] field: crate::engine::X }");
    }

    #[test]
    fn files_of_test_modules_do_not_count() {
        let upward = "use crate::engine::Database;";
        let files = [
            ("query/mod.rs", "#[cfg(test)]\nmod suite;"),
            ("query/suite/a.rs", upward),
            ("query/sort.rs", "#[cfg(test)]\n#[path = \"sort_checks.rs\"]\nmod tests;"),
            ("query/sort_checks.rs", upward),
        ];
        assert_eq!(faults_in(&files), Vec::<String>::new());
        assert_eq!(faults_in(&files[2..]).len(), 0);
        assert_eq!(faults_in(&files[3..]).len(), 1);
    }

    #[test]
    fn code_after_a_test_module_counts() {
        one_fault(
            "document/value.rs",
            "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::engine::X;",
            "import engine",
        );
    }

    #[test]
    fn confined_paths_are_found_elsewhere() {
        one_fault("engine/write.rs", "use napi::Env;", "napi belongs in binding/");
        one_fault("engine/write.rs", "use std::{io, fs};", "std::fs belongs in storage/host/real_vfs.rs");
        one_fault("storage/disk.rs", "fn f() { std::fs::read(p); }", "std::fs belongs in");
        one_fault(
            "engine/write.rs",
            "use std::time::{Duration, Instant as Moment};",
            "std::time::Instant belongs",
        );
        one_fault(
            "binding/port.rs",
            "fn f() { std::time::SystemTime::now(); }",
            "std::time::SystemTime belongs",
        );
        one_fault(
            "engine/write.rs",
            "use std::time as t; fn f() { t::Instant::now(); }",
            "std::time::Instant",
        );
        no_fault("storage/host/real_vfs.rs", "use std::fs::{self, File};");
        no_fault("storage/host/system.rs", "use std::time::{SystemTime, UNIX_EPOCH};");
        no_fault("binding/native.rs", "#[napi_derive::napi]\npub fn f(env: napi::Env) {}");
        no_fault("engine/write.rs", "use std::time::Duration;");
    }

    #[test]
    fn a_table_of_contents_holds_no_function() {
        one_fault("storage/mod.rs", "pub mod frame;\nfn helper() {}", "holds a function");
        no_fault("storage/mod.rs", "//! A function.\npub mod frame;\npub use frame::Frame;");
    }

    #[test]
    fn an_unknown_room_or_folder_and_a_long_file_are_found() {
        one_fault("util/strings.rs", "", "no room util");
        one_fault("engine/misc/mod.rs", "", "engine has no folder misc");
        one_fault("work.rs", &"\n".repeat(501), "501 lines");
        no_fault("work.rs", &"\n".repeat(500));
    }

    #[test]
    fn a_folder_that_imports_one_above_it_is_found() {
        let read = ("engine/read/find.rs", "pub struct Find;");
        let faults = faults_in(&[read, ("engine/commit/path.rs", "use super::super::read::find::Find;")]);
        assert!(
            faults.len() == 1 && faults[0].contains("engine/commit may not import engine/read"),
            "{faults:?}"
        );
        assert_eq!(
            faults_in(&[read, ("engine/write/by_id.rs", "use super::super::read::find::Find;")]),
            [""; 0]
        );
    }

    #[test]
    fn a_reexport_counts_as_the_folder_that_it_comes_from() {
        let table = "pub mod plan;\npub mod read;\npub use read::Find;";
        let read = ("engine/read/mod.rs", "pub use find::Find;\nmod find;");
        let find = ("engine/read/find.rs", "pub struct Find;");
        let upward =
            [("engine/mod.rs", table), read, find, ("engine/plan/hint.rs", "use crate::engine::Find;")];
        let faults = faults_in(&upward);
        assert!(
            faults.len() == 1 && faults[0].contains("engine/plan may not import engine/read"),
            "{faults:?}"
        );
        let flat = [("engine/mod.rs", table), read, find, ("engine/hint.rs", "use crate::engine::Find;")];
        assert_eq!(faults_in(&flat), Vec::<String>::new());
    }
}
