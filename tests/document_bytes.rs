//! Documents keep their value on every path through the crate, and bytes that are not a document are refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod document_section;
mod document_values;

use document_section::Section;
use document_values::any_value;
use moltendb_node::Kind;
use moltendb_node::document::incoming::{check, store, store_with};
use moltendb_node::document::shape::MAX_SHAPES;
use moltendb_node::document::{
    MAX_DEPTH, MAX_DOCUMENT, Outgoing, RawValue, Shape, ShapeId, Shapes, StagedShapes, Translation, Value,
    encode, encode_plain,
};
use proptest::prelude::*;

fn settle(table: &Shapes, staged: Vec<Shape>) {
    for shape in staged {
        table.push(shape).unwrap();
    }
}

fn encoded(value: &Value, table: &Shapes) -> Vec<u8> {
    let mut shapes = StagedShapes::new(table);
    let mut bytes = Vec::new();
    encode(value, &mut shapes, &mut bytes);
    settle(table, shapes.into_staged());
    bytes
}

fn plain(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    bytes
}

fn stored(input: &[u8], source: &Shapes, table: &Shapes) -> Vec<u8> {
    let mut shapes = StagedShapes::new(table);
    let mut out = b"before".to_vec();
    store(RawValue::new(input, source), &mut shapes, &mut out).unwrap();
    settle(table, shapes.into_staged());
    out.split_off(6)
}

/// A table with other shapes in front, so that numbers differ.
fn crowded(count: usize) -> Shapes {
    let table = Shapes::new();
    for n in 0..count {
        table.push(Shape::new(&[format!("other{n}")])).unwrap();
    }
    table
}

fn key_lists(table: &Shapes) -> Vec<Vec<String>> {
    let keys = |id| table.get(ShapeId(id)).unwrap().keys();
    (0..table.len() as u16).map(|id| keys(id).iter().map(|key| key.to_string()).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_value_reads_back_as_it_was_encoded(value in any_value()) {
        let table = Shapes::new();
        let bytes = encoded(&value, &table);
        let raw = RawValue::new(&bytes, &table);
        prop_assert_eq!(raw.bytes(), &bytes[..]);
        prop_assert_eq!(raw.to_value(), value.clone());
        prop_assert!(check(&bytes, &table).is_ok());
        prop_assert_eq!(encoded(&value, &table), bytes);
        let bytes = plain(&value);
        prop_assert_eq!(RawValue::new(&bytes, &Shapes::new()).to_value(), value);
    }

    #[test]
    fn storing_keeps_the_value_and_writes_the_one_form(
        value in any_value(), ahead in 0usize..4, full in any::<bool>(), as_maps in any::<bool>()
    ) {
        let source = crowded(3);
        let input = if as_maps { plain(&value) } else { encoded(&value, &source) };
        let table = crowded(if full { MAX_SHAPES } else { ahead });
        let bytes = stored(&input, &source, &table);
        prop_assert_eq!(&RawValue::new(&bytes, &table).to_value(), &value);
        prop_assert_eq!(encoded(&value, &table), bytes.clone());

        let translation = Translation::new(&source, &table);
        for _ in 0..2 {
            let mut shapes = StagedShapes::new(&table);
            let mut again = Vec::new();
            store_with(RawValue::new(&input, &source), &translation, &mut shapes, &mut again).unwrap();
            prop_assert!(shapes.is_empty());
            prop_assert_eq!(&again, &bytes);
        }
    }

    #[test]
    fn a_section_holds_the_value(values in prop::collection::vec(any_value(), 0..4), known in 0u32..6) {
        let table = crowded(2);
        let all: Vec<Vec<u8>> = values.iter().map(|value| encoded(value, &table)).collect();
        let mut outgoing = Outgoing::new();
        outgoing.string("left over");
        outgoing.clear();
        outgoing.array(2 * values.len() + 4);
        for (bytes, value) in all.iter().zip(&values) {
            outgoing.raw(RawValue::new(bytes, &table)).unwrap();
            outgoing.value(value);
        }
        outgoing.nil();
        outgoing.bool(true);
        outgoing.number(-0.0);
        outgoing.string("end \u{20ac}");
        let estimate = outgoing.len();
        let bytes = outgoing.finish(Some((7, &table)), (7, known));
        prop_assert!(bytes.len() >= estimate - 4);

        let mut expected: Vec<Value> = values.iter().flat_map(|value| [value.clone(), value.clone()]).collect();
        expected.extend([Value::Null, Value::Bool(true), Value::Double(-0.0), Value::String("end \u{20ac}".into())]);
        let section = Section::read(bytes);
        prop_assert_eq!(section.number, 7);
        prop_assert_eq!(usize::from(section.first), table.len().min(known as usize));
        prop_assert_eq!(section.value(&key_lists(&table)), Value::Array(expected));
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_another_value_in_its_one_form(
        value in any_value(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        end in prop::option::of(any::<prop::sample::Index>()),
        as_maps in any::<bool>(),
    ) {
        let source = crowded(1);
        let mut bytes = if as_maps { plain(&value) } else { encoded(&value, &source) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        let raw = RawValue::new(&bytes, &source);
        let table = Shapes::new();
        let mut shapes = StagedShapes::new(&table);
        let mut out = b"before".to_vec();
        let outcome = store(raw, &mut shapes, &mut out);
        prop_assert_eq!(outcome.is_ok(), check(&bytes, &source).is_ok());
        let mut outgoing = Outgoing::new();
        let sent = outgoing.raw(raw);
        match outcome {
            Ok(()) => {
                settle(&table, shapes.into_staged());
                prop_assert_eq!(RawValue::new(&out[6..], &table).to_value(), raw.to_value());
                prop_assert!(sent.is_ok());
                if as_maps && source.len() == 1 && !bytes.contains(&0xc1) {
                    prop_assert_eq!(plain(&raw.to_value()), bytes.clone());
                }
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), Kind::BadDocument);
                prop_assert!(shapes.is_empty());
                prop_assert_eq!(&out[..], b"before");
            }
        }
        match sent {
            Ok(()) => {
                let section = outgoing.finish(Some((0, &source)), (u32::MAX, 0));
                prop_assert_eq!(Section::read(section).value(&[]), raw.to_value());
            }
            Err(error) => prop_assert_eq!(error.kind(), Kind::Corrupt),
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let source = crowded(2);
        let raw = RawValue::new(&bytes, &source);
        let _ = check(&bytes, &source);
        let _ = Outgoing::new().raw(raw);
        let _ = raw.to_value();
        let mut key = Vec::new();
        moltendb_node::index::encode_key(raw, &mut key);
        let _ = store(raw, &mut StagedShapes::new(&Shapes::new()), &mut key);
    }
}

#[test]
fn every_truncation_of_a_document_is_refused() {
    let source = Shapes::new();
    let document = Value::Object(vec![
        ("_id".into(), Value::String("\u{e9}\u{4e2d}".repeat(20))),
        ("at".into(), Value::Date(5)),
        ("list".into(), Value::Array((0..20).map(|n| Value::Long(n << 40)).collect())),
        ("key".into(), Value::ObjectId([7; 12])),
        ("bytes".into(), Value::Binary(vec![1; 300])),
        ("inner".into(), Value::Object(vec![("x".into(), Value::Double(0.5))])),
    ]);
    for bytes in [encoded(&document, &source), plain(&document)] {
        for end in 0..bytes.len() {
            assert_eq!(check(&bytes[..end], &source).unwrap_err().kind(), Kind::BadDocument);
            let error = Outgoing::new().raw(RawValue::new(&bytes[..end], &source)).unwrap_err();
            assert_eq!(error.kind(), Kind::Corrupt);
        }
    }
}

#[test]
fn forms_that_are_not_the_one_are_refused_by_name() {
    let cases: &[(&[u8], &str)] = &[
        (&[0xcc, 0x7f], "token 0xcc where a shorter one"),
        (&[0xcd, 0, 0xff], "0xcd"),
        (&[0xce, 0, 0, 0xff, 0xff], "0xce"),
        (&[0xce, 0x80, 0, 0, 0], "0xce"),
        (&[0xd0, 0xe0], "0xd0"),
        (&[0xd0, 5], "0xd0"),
        (&[0xd1, 0xff, 0x80], "0xd1"),
        (&[0xd2, 0xff, 0xff, 0x80, 0], "0xd2"),
        (&[0xd9, 1, b'a'], "0xd9"),
        (&[0xda, 0, 1, b'a'], "0xda"),
        (&[0xdb, 0, 0, 0, 1, b'a'], "0xdb"),
        (&[0xc5, 0, 1, 0], "0xc5"),
        (&[0xc6, 0, 0, 0, 1, 0], "0xc6"),
        (&[0xdc, 0, 1, 0], "0xdc"),
        (&[0xdd, 0, 0, 0, 0], "0xdd"),
        (&[0xde, 0, 0], "0xde"),
        (&[0xdf, 0, 0, 0, 0], "0xdf"),
        (&[0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], "float64"),
        (&[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1], "float64"),
        (&[0xcb, 0, 0, 0, 0, 0, 0, 0, 0], "float64"),
        (&[0xca, 0, 0, 0, 0], "token 0xca, which no value starts with"),
        (&[0xcf, 0, 0, 0, 0, 0, 0, 0, 0], "0xcf"),
        (&[0xd4, 1, 0], "0xd4"),
        (&[0xd7, 9, 0, 0, 0, 0, 0, 0, 0, 0], "extension 9"),
        (&[0xd7, 1, 0x7f, 0, 0, 0, 0, 0, 0, 0], "date"),
        (&[0xc7, 1, 5, 0], "extension 5"),
        (&[0xa1, 0xff], "UTF-8"),
        (&[0xa3, 0xed, 0xa0, 0x80], "UTF-8"),
        (&[0x81, 0x01, 0x01], "key that is not a string"),
        (&[0xc1, 0, 9], "shape 9"),
        (&[0x01, 0x01], "1 bytes follow"),
        (&[], "end inside"),
    ];
    for (bytes, words) in cases {
        let error = check(bytes, &Shapes::new()).unwrap_err();
        assert_eq!(error.kind(), Kind::BadDocument);
        assert!(error.message().contains(words), "{bytes:x?}: {error}");
    }
}

#[test]
fn a_refusal_names_the_dotted_path() {
    let source = Shapes::new();
    source.push(Shape::new(&["a", "tags"])).unwrap();
    // {a: 1, tags: [0, {x: <0xca>}]}
    let bytes = [0xc1, 0, 0, 0x01, 0x92, 0x00, 0x81, 0xa1, b'x', 0xca];
    let error = check(&bytes, &source).unwrap_err();
    assert_eq!(error.details().path.as_deref(), Some("tags.1.x"));
    assert_eq!(error.message(), "field `tags.1.x` is refused: token 0xca, which no value starts with");
    let error = Outgoing::new().raw(RawValue::new(&bytes, &source)).unwrap_err();
    assert!(error.message().contains("at its byte 9 in field `tags.1.x`"), "{error}");
    let twice = [0x82, 0xa1, b'k', 0x01, 0xa1, b'k', 0x02];
    let error = check(&twice, &source).unwrap_err();
    assert_eq!(error.details().path.as_deref(), Some("k"));
    assert!(error.message().contains("twice"));
}

#[test]
fn nesting_ends_at_its_limit() {
    for (lead, empty) in [(&[0x91][..], 0x90), (&[0x81, 0xa1, b'a'][..], 0x80)] {
        let nested = |levels: usize| {
            let mut bytes = lead.repeat(levels - 1);
            bytes.push(empty);
            bytes
        };
        let table = Shapes::new();
        check(&nested(MAX_DEPTH), &table).unwrap();
        stored(&nested(MAX_DEPTH), &table, &table);
        let error = check(&nested(MAX_DEPTH + 1), &table).unwrap_err();
        assert!(error.message().contains("100 levels"), "{error}");
        let abyss = nested(1_000_000);
        let raw = RawValue::new(&abyss, &table);
        assert!(check(&abyss, &table).is_err());
        assert!(Outgoing::new().raw(raw).is_err());
        raw.to_value();
        moltendb_node::index::encode_key(raw, &mut Vec::new());
    }
}

#[test]
fn size_ends_at_its_limit() {
    let table = Shapes::new();
    let fits = plain(&Value::Binary(vec![0; MAX_DOCUMENT - 5]));
    check(&fits, &table).unwrap();
    let larger = plain(&Value::Binary(vec![0; MAX_DOCUMENT - 4]));
    let error = check(&larger, &table).unwrap_err();
    assert!(error.message().contains("16777217 bytes encoded, more than the 16777216"), "{error}");
    // Keys written out when the table is full count too.
    let source = Shapes::new();
    source.push(Shape::new(&["a key of some length", "bytes"])).unwrap();
    let mut grows = vec![0xc1, 0, 0, 0x01];
    grows.extend(plain(&Value::Binary(vec![0; MAX_DOCUMENT - 12])));
    check(&grows, &source).unwrap();
    let full = crowded(MAX_SHAPES);
    let mut out = Vec::new();
    assert!(store(RawValue::new(&grows, &source), &mut StagedShapes::new(&full), &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn shapes_that_a_refused_document_brought_are_forgotten() {
    let (source, table) = (Shapes::new(), Shapes::new());
    let mut shapes = StagedShapes::new(&table);
    let mut out = Vec::new();
    store(RawValue::new(&[0x81, 0xa1, b'a', 0x01], &source), &mut shapes, &mut out).unwrap();
    let before = out.clone();
    let bad = [0x82, 0xa1, b'b', 0x81, 0xa1, b'c', 0x01, 0xa1, b'd', 0xca];
    assert!(store(RawValue::new(&bad, &source), &mut shapes, &mut out).is_err());
    assert_eq!((shapes.staged().len(), out), (1, before));
}

#[test]
fn a_translation_of_other_tables_is_not_believed() {
    let (source, table) = (crowded(2), crowded(0));
    let value = Value::Object(vec![("other1".into(), Value::Int(1))]);
    let input = encoded(&value, &source);
    let translation = Translation::new(&source, &crowded(5));
    let mut shapes = StagedShapes::new(&table);
    let mut out = Vec::new();
    store_with(RawValue::new(&input, &source), &translation, &mut shapes, &mut out).unwrap();
    settle(&table, shapes.into_staged());
    assert_eq!(RawValue::new(&out, &table).to_value(), value);
}

#[test]
fn a_section_without_a_collection_says_so() {
    let mut outgoing = Outgoing::new();
    outgoing.map(1);
    outgoing.string("");
    outgoing.string(&"\u{e9}".repeat(4096));
    let section = Section::read(outgoing.finish(None, (3, 9)));
    assert_eq!((section.number, section.definitions.len(), section.utf16.len()), (u32::MAX, 0, 0));
    let expected = Value::Object(vec![(String::new(), Value::String("\u{e9}".repeat(4096)))]);
    assert_eq!(section.value(&[]), expected);
}

#[test]
fn a_string_that_does_not_fit_starts_the_next_block() {
    let mut outgoing = Outgoing::new();
    outgoing.array(5);
    for len in [2000, 48, 1, 2500, 5] {
        outgoing.string(&"\u{20ac}".repeat(len));
    }
    let section = Section::read(outgoing.finish(None, (u32::MAX, 0)));
    let lengths: Vec<usize> = section.utf16.iter().map(|block| block.len()).collect();
    assert_eq!(lengths, [4096, 2, 5000, 10]);
}
