//! Both sides of the boundary and its documentation have the same codes of operations and the same flags.

use std::collections::BTreeMap;

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

/// The members of an object of the script; `FindOneAnd` is `FIND_ONE_AND`.
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
