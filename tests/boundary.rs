//! Both sides of the boundary have the same opcodes, flags, limits and options, and the documentation has the same opcodes.

use std::collections::BTreeMap;

use moltendb_node::document::{MAX_DEPTH, MAX_DOCUMENT, id, shape};
use moltendb_node::options;

const RUST: &str = include_str!("../src/binding/opcodes.rs");
const SCRIPT: &str = include_str!("../js/transport/opcodes.ts");
const DOCUMENT: &str = include_str!("../docs/boundary.md");

type Codes = BTreeMap<String, u32>;

/// The constants of the Rust side before and within `mod flag`.
fn rust(within_flags: bool) -> Codes {
    let (opcodes, flags) = RUST.split_once("mod flag").expect("the flags stand in a module");
    let lines = if within_flags { flags } else { opcodes }.lines();
    lines
        .filter_map(|line| line.split_once("const ")?.1.trim_end_matches(';').split_once(": u8 = "))
        .map(|(name, number)| (name.to_owned(), number.parse().expect("a number")))
        .collect()
}

/// The members of an object in the script; `FindOneAnd` is `FIND_ONE_AND`.
fn script(object: &str) -> Codes {
    let (_, rest) = SCRIPT.split_once(&format!("export const {object} = {{")).expect("the object is there");
    let (members, _) = rest.split_once('}').expect("the object ends");
    members
        .split(',')
        .filter_map(|member| member.split_once(':'))
        .map(|(name, number)| (in_capitals(name.trim()), number.trim().parse().expect("a number")))
        .collect()
}

fn in_capitals(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// The first column of the table: `| 11 FIND | ...`.
fn document() -> Codes {
    DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |")?.0.split_once(' '))
        .filter_map(|(number, name)| Some((name.to_owned(), number.parse().ok()?)))
        .collect()
}

#[test]
fn opcodes_are_the_same_on_both_sides_and_in_the_documentation() {
    let opcodes = rust(false);
    assert!(opcodes.len() > 20, "{opcodes:?}");
    assert_eq!(script("Opcode"), opcodes);
    assert_eq!(document(), opcodes);
}

#[test]
fn flags_are_the_same_on_both_sides() {
    let flags = rust(true);
    assert!(flags.len() > 8, "{flags:?}");
    assert_eq!(script("Flag"), flags);
}

#[test]
fn the_number_of_no_collection_is_the_same_on_both_sides() {
    let shapes = include_str!("../js/codec/shapes.ts");
    assert!(shapes.contains("export const NO_COLLECTION = 0xffffffff"));
    assert!(include_str!("../src/binding/answer.rs").contains("Known { number: u32::MAX, count: 0 }"));
}

#[test]
fn limits_are_the_same_on_both_sides() {
    let limits = include_str!("../js/arguments/limits.ts");
    let values = include_str!("../js/codec/classify.ts");
    let shapes = include_str!("../js/codec/shapes.ts");
    let both = [
        (values, "MAX_DEPTH", MAX_DEPTH),
        (values, "MAX_DOCUMENT", MAX_DOCUMENT),
        (values, "MAX_ID", id::MAX_ID),
        (shapes, "MAX_SHAPES", shape::MAX_SHAPES),
        (limits, "BATCH", options::BATCH_DOCUMENTS),
        (limits, "MAX_NAME_BYTES", name_bytes()),
    ];
    for (script, name, limit) in both {
        let (_, rest) = script.split_once(&format!("export const {name} = ")).expect("the limit is there");
        let number = rest.lines().next().unwrap_or_default().replace('_', "");
        assert_eq!(number, limit.to_string(), "{name}");
    }
}

/// The limit of a collection's name, which the core keeps to itself.
fn name_bytes() -> usize {
    let source = include_str!("../src/query/name.rs");
    let (_, rest) = source.split_once("const MAX_NAME: usize = ").expect("the limit is there");
    rest.split(';').next().unwrap_or_default().parse().expect("a number")
}

/// The options of `Database.open` that the script passes on, by the members of `core` that it sets.
#[test]
fn options_that_the_script_passes_on_are_known_to_the_core() {
    let script = include_str!("../js/arguments/opening/open-settings.ts");
    let core = include_str!("../src/binding/options.rs");
    let assigned = script.split(" core.").skip(1).filter_map(|rest| Some(rest.split_once(" = ")?.0));
    let listed = script.split_once("for (const name of [").and_then(|(_, rest)| rest.split_once(']'));
    let listed = listed.map(|(names, _)| names).unwrap_or_default();
    let names: Vec<&str> =
        assigned.chain(listed.split(", ").map(|name| name.trim_matches('\''))).chain(["storage"]).collect();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        assert!(core.contains(&format!("\"{name}\" =>")), "{name} is not in src/binding/options.rs");
    }
}
