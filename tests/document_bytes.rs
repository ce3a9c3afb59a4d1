//! Documents keep their value on every way through the crate, and bytes that are no document are refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod document_values;

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

/// A decoder of sections, as simple as can be.
struct Section<'a> {
    number: u32,
    first: u16,
    definitions: Vec<Vec<String>>,
    latin1: Vec<&'a [u8]>,
    utf16: Vec<&'a [u8]>,
    tokens: &'a [u8],
}

fn cut<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (head, tail) = bytes.split_at(len);
    *bytes = tail;
    head
}

fn le(bytes: &mut &[u8], width: usize) -> usize {
    cut(bytes, width).iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn be(bytes: &mut &[u8], width: usize) -> u64 {
    cut(bytes, width).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl<'a> Section<'a> {
    fn read(mut bytes: &'a [u8]) -> Section<'a> {
        let rest = &mut bytes;
        assert_eq!(le(rest, 4), rest.len());
        let number = le(rest, 4) as u32;
        let first = le(rest, 2) as u16;
        let count = le(rest, 2);
        let mut definitions = Vec::new();
        for _ in 0..count {
            let keys = le(rest, 2);
            let key = |rest: &mut &[u8]| {
                let len = le(rest, 4);
                String::from_utf8(cut(rest, len).to_vec()).unwrap()
            };
            definitions.push((0..keys).map(|_| key(rest)).collect());
        }
        let (latin1, utf16) = (le(rest, 4), le(rest, 4));
        let lengths: Vec<usize> = (0..latin1 + utf16).map(|_| le(rest, 4)).collect();
        assert!(lengths.iter().all(|length| *length > 0));
        let mut blocks: Vec<&[u8]> = lengths.iter().map(|length| cut(rest, *length)).collect();
        let utf16 = blocks.split_off(latin1);
        Section { number, first, definitions, latin1: blocks, utf16, tokens: bytes }
    }

    /// The value, and that nothing is left of it.
    fn value(mut self, known: &[Vec<String>]) -> Value {
        let mut shapes = known[..usize::from(self.first)].to_vec();
        shapes.append(&mut self.definitions);
        let value = self.next(&shapes);
        assert!(
            self.tokens.is_empty() && self.latin1.iter().chain(&self.utf16).all(|block| block.is_empty())
        );
        value
    }

    fn characters(blocks: &mut Vec<&'a [u8]>, len: usize) -> &'a [u8] {
        if len == 0 {
            return &[];
        }
        while blocks[0].is_empty() {
            blocks.remove(0);
        }
        cut(&mut blocks[0], len)
    }

    fn latin1(&mut self, len: usize) -> Value {
        let text = Self::characters(&mut self.latin1, len);
        Value::String(text.iter().map(|byte| char::from(*byte)).collect())
    }

    fn utf16(&mut self, len: usize) -> Value {
        let text = Self::characters(&mut self.utf16, 2 * len);
        let units: Vec<u16> = text.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        Value::String(String::from_utf16(&units).unwrap())
    }

    fn next(&mut self, shapes: &[Vec<String>]) -> Value {
        let lead = be(&mut self.tokens, 1) as u8;
        let mut number = |width| be(&mut self.tokens, width);
        match lead {
            0x00..=0x7f => Value::Int(i32::from(lead)),
            0xe0..=0xff => Value::Int(i32::from(lead as i8)),
            0xc0 => Value::Null,
            0xc2 | 0xc3 => Value::Bool(lead == 0xc3),
            0xcc => Value::Int(number(1) as i32),
            0xcd => Value::Int(number(2) as i32),
            0xce => Value::Int(number(4) as i32),
            0xd0 => Value::Int(i32::from(number(1) as i8)),
            0xd1 => Value::Int(i32::from(number(2) as i16)),
            0xd2 => Value::Int(number(4) as i32),
            0xcb => Value::Double(f64::from_bits(number(8))),
            0xd3 => Value::Long(number(8) as i64),
            0xd7 => {
                assert_eq!(number(1), 1);
                Value::Date(number(8) as i64)
            }
            0xc7 => {
                assert_eq!(number(2), 0x0c02);
                Value::ObjectId(cut(&mut self.tokens, 12).try_into().unwrap())
            }
            0xc4..=0xc6 => {
                let len = number(1 << (lead - 0xc4)) as usize;
                Value::Binary(cut(&mut self.tokens, len).to_vec())
            }
            0xa0..=0xbf => self.latin1(usize::from(lead & 0x1f)),
            0xd9..=0xdb => {
                let len = number(1 << (lead - 0xd9)) as usize;
                self.latin1(len)
            }
            0xd4..=0xd6 => {
                let len = number(1 << (lead - 0xd4)) as usize;
                self.utf16(len)
            }
            0x90..=0x9f | 0xdc | 0xdd => {
                let len = if lead < 0xa0 { u64::from(lead & 15) } else { number(2 << (lead - 0xdc)) };
                Value::Array((0..len).map(|_| self.next(shapes)).collect())
            }
            0x80..=0x8f | 0xde | 0xdf => {
                let len = if lead < 0x90 { u64::from(lead & 15) } else { number(2 << (lead - 0xde)) };
                let field = |_| match self.next(shapes) {
                    Value::String(key) => (key, self.next(shapes)),
                    other => panic!("{other:?} is a key"),
                };
                Value::Object((0..len).map(field).collect())
            }
            0xc1 => {
                let keys = &shapes[number(2) as usize];
                Value::Object(keys.iter().map(|key| (key.clone(), self.next(shapes))).collect())
            }
            lead => panic!("token {lead:#x}"),
        }
    }
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
        let mut bytes = b"before".to_vec();
        let estimate = outgoing.len();
        outgoing.finish(Some((7, &table)), (7, known), &mut bytes);
        prop_assert!(bytes.len() - 6 >= estimate - 8);

        let mut expected: Vec<Value> = values.iter().flat_map(|value| [value.clone(), value.clone()]).collect();
        expected.extend([Value::Null, Value::Bool(true), Value::Double(-0.0), Value::String("end \u{20ac}".into())]);
        let section = Section::read(&bytes[6..]);
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
                let mut section = Vec::new();
                outgoing.finish(Some((0, &source)), (u32::MAX, 0), &mut section);
                prop_assert_eq!(Section::read(&section).value(&[]), raw.to_value());
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
    assert_eq!(error.message(), "field `tags.1.x` cannot be read: token 0xca, which no value starts with");
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
    // Keys written out where the table is full count too.
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
    let mut bytes = Vec::new();
    outgoing.finish(None, (3, 9), &mut bytes);
    let section = Section::read(&bytes);
    assert_eq!((section.number, section.definitions.len(), section.latin1.len()), (u32::MAX, 0, 1));
    let expected = Value::Object(vec![(String::new(), Value::String("\u{e9}".repeat(4096)))]);
    assert_eq!(section.value(&[]), expected);
}

#[test]
fn a_string_that_does_not_fit_starts_the_next_block() {
    let mut outgoing = Outgoing::new();
    outgoing.array(5);
    for len in [4000, 96, 1, 5000, 10] {
        outgoing.string(&"x".repeat(len));
    }
    let mut bytes = Vec::new();
    outgoing.finish(None, (u32::MAX, 0), &mut bytes);
    let lengths: Vec<usize> = Section::read(&bytes).latin1.iter().map(|block| block.len()).collect();
    assert_eq!(lengths, [4096, 1, 5000, 10]);
}
