//! The rooms import downward only, and a few things are named in one place only.
//!
//! The sources are read as text, without comments, strings and test modules. `crate::room`, chains of `super` that leave a
//! room, grouped imports and fully qualified paths all count.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms it may name besides itself. A room that is not here may not exist.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("work", &["error"]),
    ("options", &["error", "work"]),
    ("document", &["error", "work"]),
    ("query", &["error", "work", "document"]),
    ("index", &["error", "work", "document"]),
    ("storage", &["error", "work", "options"]),
    ("engine", &["error", "work", "options", "document", "query", "index", "storage"]),
    ("binding", &["error", "work", "options", "document", "query", "index", "storage", "engine"]),
];

/// Paths that are named in these files or folders only.
const CONFINED: &[(&str, &[&str])] = &[
    ("napi", &["binding/"]),
    ("napi_derive", &["binding/"]),
    ("std::fs", &["storage/real_vfs.rs"]),
    ("std::time::SystemTime", &["storage/host.rs"]),
    ("std::time::Instant", &["storage/host.rs"]),
    ("getrandom", &["storage/host.rs"]),
];

/// What the crate root re-exports, and the room it stands for: `crate::Error` is `crate::error::Error`.
const REEXPORTS: &[(&str, &str)] =
    &[("Error", "error"), ("Kind", "error"), ("Result", "error"), ("OpenOptions", "options")];

const LONGEST_FILE: usize = 800;

#[test]
fn every_source_file_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 10, "only {} files under {}", files.len(), root.display());
    let mut faults = Vec::new();
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        faults.extend(faults_of(&name, &text).into_iter().map(|fault| format!("src/{name}: {fault}")));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .expect("src is readable")
        .map(|entry| entry.expect("src is readable").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// All that is wrong with one file; `name` is its path below `src`.
fn faults_of(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        faults.push(format!("{lines} lines, above {LONGEST_FILE}"));
    }
    if name.ends_with("tests.rs") || name.contains("tests/") {
        return faults; // a module of tests in a file of its own
    }
    let code = without_tests(&without_comments_and_strings(text));
    let tokens = tokens_of(&code);
    let modules = modules_of(name);
    let room = modules.first().map(String::as_str);
    if let Some(room) = room
        && !ROOMS.iter().any(|(known, _)| *known == room)
    {
        faults.push(format!("there is no room {room}; name it in tests/layering.rs"));
    }
    if is_table_of_contents(name) && tokens.iter().any(|token| token == "fn") {
        faults.push("a table of contents holds a function".to_owned());
    }
    for path in paths_of(&tokens) {
        if let (Some(room), Some(target)) = (room, room_named_by(&path, &modules))
            && target != room
            && !allowed(room, &target)
        {
            faults.push(format!("{room} may not import {target} ({})", path.join("::")));
        }
        faults.extend(confined(name, &path));
    }
    faults.sort();
    faults.dedup();
    faults
}

fn allowed(room: &str, target: &str) -> bool {
    ROOMS.iter().any(|(known, below)| *known == room && below.contains(&target))
}

fn is_table_of_contents(name: &str) -> bool {
    name == "lib.rs" || name == "mod.rs" || name.ends_with("/mod.rs")
}

/// The modules that a file stands in: `storage/frame.rs` is `[storage, frame]`, `lib.rs` is `[]`.
fn modules_of(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// The room of a path that starts at the crate's root, or leaves its module by `super`.
fn room_named_by(path: &[String], modules: &[String]) -> Option<String> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let rest = match path.first().map(String::as_str) {
        Some("crate") => path.get(1..)?.to_vec(),
        Some("super") => {
            let kept = modules.len().checked_sub(supers)?;
            let mut rest = modules.get(..kept)?.to_vec();
            rest.extend_from_slice(path.get(supers..)?);
            rest
        }
        _ => return None,
    };
    let first = rest.first()?;
    let reexported = REEXPORTS.iter().find(|(name, _)| name == first).map(|(_, room)| *room);
    let is_room = ROOMS.iter().any(|(known, _)| known == first);
    reexported.or(is_room.then_some(first.as_str())).map(str::to_owned)
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

/// Comments and the insides of strings and characters become blanks; lifetimes and line ends stay.
fn without_comments_and_strings(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut index = 0;
    while index < chars.len() {
        let start = index;
        let after_word = start > 0 && (at(start - 1).is_alphanumeric() || at(start - 1) == '_');
        if at(index) == '/' && at(index + 1) == '/' {
            while index < chars.len() && at(index) != '\n' {
                index += 1;
            }
        } else if at(index) == '/' && at(index + 1) == '*' {
            let mut depth = 0;
            while index < chars.len() {
                let pair = (at(index), at(index + 1));
                index += if pair == ('/', '*') || pair == ('*', '/') { 2 } else { 1 };
                depth += i32::from(pair == ('/', '*')) - i32::from(pair == ('*', '/'));
                if depth == 0 {
                    break;
                }
            }
        } else if !after_word && let Some(end) = raw_string_end(&chars, index) {
            index = end;
        } else if at(index) == '"' {
            index += 1;
            while index < chars.len() && at(index) != '"' {
                index += if at(index) == '\\' { 2 } else { 1 };
            }
            index += 1;
        } else if at(index) == '\'' && at(index + 1) == '\\' {
            index += 3;
            while index < chars.len() && at(index) != '\'' {
                index += 1;
            }
            index += 1;
        } else if at(index) == '\'' && at(index + 2) == '\'' {
            index += 3;
        } else {
            out.push(at(index));
            index += 1;
            continue;
        }
        let skipped = chars.get(start..index.min(chars.len())).unwrap_or_default();
        out.push(' ');
        out.extend(skipped.iter().filter(|skipped| **skipped == '\n'));
    }
    out
}

/// Where a raw string that starts here ends: `r"..."`, `br#"..."#`.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let mut index = start + usize::from(chars.get(start) == Some(&'b'));
    if chars.get(index) != Some(&'r') {
        return None;
    }
    index += 1;
    let hashes = chars.get(index..)?.iter().take_while(|c| **c == '#').count();
    index += hashes;
    if chars.get(index) != Some(&'"') {
        return None;
    }
    index += 1;
    while index < chars.len() {
        let tail = chars.get(index + 1..)?;
        if chars.get(index) == Some(&'"') && tail.iter().take_while(|c| **c == '#').count() >= hashes {
            return Some(index + 1 + hashes);
        }
        index += 1;
    }
    Some(index)
}

/// Inline modules behind `#[cfg(test)]` go: tests may use what they like.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let item = after.get("#[cfg(test)]".len()..).unwrap_or_default();
        let end = match (item.find('{'), item.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|semicolon| open < semicolon) => {
                closing(item, open)
            }
            (_, Some(semicolon)) => semicolon + 1,
            _ => item.len(),
        };
        rest = item.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Just behind the brace that closes the one at `open`.
fn closing(text: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate().skip(open) {
        depth += i32::from(byte == b'{') - i32::from(byte == b'}');
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// Words, `::` and single marks.
fn tokens_of(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(first) = chars.next() {
        if first.is_alphanumeric() || first == '_' {
            let mut word = String::from(first);
            while let Some(next) = chars.next_if(|next| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            tokens.push(word);
        } else if first == ':' && chars.next_if_eq(&':').is_some() {
            tokens.push("::".to_owned());
        } else if !first.is_whitespace() {
            tokens.push(first.to_string());
        }
    }
    tokens
}

/// Every path of two parts or more, and every single name that is imported; groups are spread out:
/// `use std::{fs, io::Read}` gives `std::fs` and `std::io::Read`.
fn paths_of(tokens: &[String]) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    let mut index = 0;
    while index < tokens.len() {
        let imports = tokens.get(index).is_some_and(|token| token == "use");
        let continues = index > 0 && tokens.get(index - 1).is_some_and(|token| token == "::" || token == ".");
        let next_is_path = tokens.get(index + 1).is_some_and(|token| token == "::");
        if imports {
            index = spread(tokens, index + 1, &[], &mut paths);
        } else if next_is_path && !continues && is_word(tokens.get(index)) {
            index = spread(tokens, index, &[], &mut paths);
        } else {
            index += 1;
        }
    }
    paths
}

fn is_word(token: Option<&String>) -> bool {
    token.and_then(|token| token.chars().next()).is_some_and(|first| first.is_alphabetic() || first == '_')
}

/// Reads one path, or a group of them, that continues `prefix`; answers the index behind it.
fn spread(tokens: &[String], start: usize, prefix: &[String], paths: &mut BTreeSet<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    let mut index = start;
    loop {
        match tokens.get(index).map(String::as_str) {
            Some("::") => index += 1,
            Some("{") if index > start && tokens.get(index - 1).is_some_and(|token| token == "::") => {
                index += 1;
                while let Some(token) = tokens.get(index) {
                    match token.as_str() {
                        "}" => return index + 1,
                        "," => index += 1,
                        _ => index = spread(tokens, index, &path, paths).max(index + 1),
                    }
                }
                return index;
            }
            Some("as") => index += 2,
            Some(_) if is_word(tokens.get(index)) => {
                let follows = index == start || tokens.get(index - 1).is_some_and(|token| token == "::");
                if !follows {
                    break;
                }
                path.extend(tokens.get(index).cloned());
                index += 1;
            }
            _ => break,
        }
    }
    if !path.is_empty() {
        paths.insert(path);
    }
    index.max(start + 1)
}

mod the_checker {
    use super::faults_of;

    fn one_fault(name: &str, text: &str, part: &str) {
        let faults = faults_of(name, text);
        assert!(faults.len() == 1 && faults.iter().all(|fault| fault.contains(part)), "{faults:?}");
    }

    fn no_fault(name: &str, text: &str) {
        assert_eq!(faults_of(name, text), Vec::<String>::new());
    }

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
        one_fault("error.rs", "use crate::options::OpenOptions;", "error may not import options");
    }

    #[test]
    fn grouped_nested_and_qualified_paths_are_found() {
        one_fault("document/value.rs", "use crate::{error::Error, engine::{Database}};", "import engine");
        one_fault(
            "query/sort.rs",
            "fn f() { let x = crate::storage::Lsn(1); }",
            "query may not import storage",
        );
        one_fault("query/sort.rs", "pub(in crate::engine) fn f() {}", "query may not import engine");
        one_fault("document/id.rs", "use crate::OpenOptions;", "document may not import options");
    }

    #[test]
    fn a_chain_of_super_that_leaves_the_room_is_found() {
        one_fault(
            "document/value.rs",
            "use super::super::engine::Database;",
            "document may not import engine",
        );
        one_fault("document/mod.rs", "use super::engine::Database;", "document may not import engine");
        one_fault(
            "query/aggregate/stage.rs",
            "use super::super::super::storage::Lsn;",
            "query may not import storage",
        );
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        no_fault(
            "document/value.rs",
            "//! [`crate::engine`]\n/* crate::query::X /* nested */ */ const A: &str = \"use std::fs\";",
        );
        no_fault(
            "document/value.rs",
            "const A: &str = r#\"crate::engine::\"x\" \"#; const B: char = '\"'; const C: char = '\\'';",
        );
        no_fault(
            "document/value.rs",
            "struct S<'a>(&'a str);\n#[cfg(test)]\nmod tests { use crate::engine::X; fn f() { {} } }",
        );
        no_fault("storage/mod.rs", "#[cfg(test)]\nmod suite;\npub mod frame;");
    }

    #[test]
    fn code_after_a_test_module_or_a_tricky_literal_counts() {
        one_fault(
            "document/value.rs",
            "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::engine::X;",
            "import engine",
        );
        one_fault(
            "document/value.rs",
            "const A: char = '\"'; use crate::engine::X; const B: char = '\"';",
            "engine",
        );
        one_fault("document/value.rs", "const A: &[u8] = br\"\\\"; use crate::engine::X;", "import engine");
    }

    #[test]
    fn confined_paths_are_found_elsewhere() {
        one_fault("engine/write.rs", "use napi::Env;", "napi belongs in binding/");
        one_fault("engine/write.rs", "use std::{io, fs};", "std::fs belongs in storage/real_vfs.rs");
        one_fault("storage/disk.rs", "fn f() { std::fs::read(p); }", "std::fs belongs in");
        one_fault(
            "engine/write.rs",
            "use std::time::{Duration, Instant as Moment};",
            "std::time::Instant belongs in",
        );
        one_fault(
            "binding/port.rs",
            "fn f() { std::time::SystemTime::now(); }",
            "std::time::SystemTime belongs in",
        );
        no_fault("storage/real_vfs.rs", "use std::fs::{self, File};");
        no_fault("storage/host.rs", "use std::time::{SystemTime, UNIX_EPOCH};");
        no_fault("binding/native.rs", "#[napi_derive::napi]\npub fn f(env: napi::Env) {}");
        no_fault("engine/write.rs", "use std::time::Duration;");
    }

    #[test]
    fn a_table_of_contents_holds_no_function() {
        one_fault("storage/mod.rs", "pub mod frame;\nfn helper() {}", "holds a function");
        one_fault("lib.rs", "pub fn start() {}", "holds a function");
        no_fault("lib.rs", "//! A function.\npub mod error;\npub use error::{Error, Kind};");
    }

    #[test]
    fn an_unknown_room_and_a_long_file_are_found() {
        one_fault("util/strings.rs", "", "no room util");
        one_fault("error.rs", &"\n".repeat(801), "801 lines");
        no_fault("error.rs", &"\n".repeat(800));
    }
}
