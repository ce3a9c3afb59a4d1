//! Inputs that reach the inner code, for fuzzers to start from.

use moltendb_node::document::{Value, encode_plain};
use moltendb_node::engine::record;
use moltendb_node::storage::Lsn;
use moltendb_node::storage::frame::{FrameKind, HeadSeed, encode_mark};
use moltendb_node::storage::manifest::{Clean, Manifest, SnapshotRef};

fn plain(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    bytes
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn every_type() -> Value {
    object(&[
        ("_id", Value::ObjectId([7; 12])),
        ("int", Value::Int(-70_000)),
        ("double", Value::number(0.1)),
        ("long", Value::Long(i64::MIN)),
        ("text", Value::String("text \u{e9} \u{1f600}".repeat(4))),
        ("bytes", Value::Binary(vec![1; 40])),
        ("date", Value::Date(-1)),
        ("none", Value::Null),
        ("flags", Value::Array(vec![Value::Bool(true), Value::Bool(false), Value::Array(Vec::new())])),
        ("inner", object(&[("a", object(&[("b", Value::Int(5))]))])),
    ])
}

fn queries() -> Vec<Value> {
    let one = |key: &str, value: Value| object(&[(key, value)]);
    let list = |values: &[i32]| Value::Array(values.iter().map(|n| Value::Int(*n)).collect());
    vec![
        one("a.b", one("$gt", Value::Int(3))),
        one("$or", Value::Array(vec![one("b", Value::number(0.5)), one("tags", Value::String("x".into()))])),
        one("list", one("$elemMatch", one("x", one("$in", list(&[2, 3]))))),
        one("tags", object(&[("$size", Value::Int(2)), ("$exists", Value::Bool(true))])),
        object(&[("$set", one("a.b.2", Value::Int(1))), ("$unset", one("b", Value::Null))]),
        object(&[("$inc", one("a.0", Value::Long(1))), ("$rename", one("name", Value::String("n".into())))]),
        one("$push", one("tags", object(&[("$each", list(&[1, 2])), ("$slice", Value::Int(-2))]))),
        one("$pull", one("list", one("x", one("$gte", Value::Int(2))))),
        object(&[("a.b", Value::Int(1)), ("name", Value::Int(1))]),
        Value::Array(vec![Value::Array(vec![Value::String("a.0".into()), Value::Int(-1)])]),
    ]
}

fn payload(records: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    record::begin(&mut out, 1_000);
    records(&mut out);
    out
}

fn put(out: &mut Vec<u8>, collection: u32, version: u64, document: &Value) {
    let making = match version {
        2 => record::Making::Updated(&[3, 2]),
        3 => record::Making::Replaced,
        _ => record::Making::Inserted,
    };
    record::write(out, 1_000, (collection, version, 900), making, &plain(document), &[]);
}

/// Payloads as the records entry takes them: each behind its length.
fn row(mode: u8, payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut input = vec![mode];
    for payload in payloads {
        input.extend_from_slice(&(payload.len() as u16).to_le_bytes());
        input.extend_from_slice(payload);
    }
    input
}

/// Frames as the segment entry takes them: kind, step, lag, faults, length, body.
fn frames(mode: u8, list: &[(u8, u8, u8, u8, &[u8])]) -> Vec<u8> {
    let mut input = vec![mode];
    for (kind, step, lag, faults, body) in list {
        input.extend_from_slice(&[*kind, *step, *lag, *faults]);
        input.extend_from_slice(&(body.len() as u16).to_le_bytes());
        input.extend_from_slice(body);
    }
    input
}

/// Blocks as the snapshot entry takes them: faults, collection, documents, length, payload; behind faults and mode of all.
fn blocks(faults: u8, mode: u8, list: &[(u8, u8, u8, &[u8])]) -> Vec<u8> {
    let mut input = vec![faults, mode];
    for (wrong, collection, documents, payload) in list {
        input.extend_from_slice(&[*wrong, *collection, *documents]);
        input.extend_from_slice(&(payload.len() as u16).to_le_bytes());
        input.extend_from_slice(payload);
    }
    input
}

/// Bytes without any order, for the entries that read everything from them; the first says the mode.
fn disorder(modes: &[u8]) -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as u8
    };
    modes.iter().map(|mode| [*mode].into_iter().chain((0..300).map(|_| next())).collect()).collect()
}

/// Inputs of which few bytes change anything, and one that changes nothing.
fn sparse() -> Vec<Vec<u8>> {
    let rare = |input: Vec<u8>, one: usize| {
        let thin = |(at, byte): (usize, u8)| if at % one == 0 { byte } else { byte / 2 };
        input.into_iter().enumerate().map(thin).collect()
    };
    let inputs = disorder(&[0, 0, 0, 0, 0, 0, 0]);
    let thinned = inputs.iter().enumerate().map(|(n, input)| {
        let turned = [&input[n * 7..], &input[..n * 7]].concat();
        rare(turned, 1 + n)
    });
    std::iter::once(vec![0]).chain(thinned).collect()
}

/// Inputs by the name of their entry.
pub fn seeds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let (seal, _) = encode_mark(FrameKind::Seal, HeadSeed::new(&[0x5a; 16], 1), 64, Lsn(3));
    let mut body = Vec::new();
    for block in [&b"first"[..], b"", b"third block"] {
        body.extend_from_slice(&(block.len() as u32).to_le_bytes());
        body.extend_from_slice(&[0; 4]);
        body.extend_from_slice(block);
    }
    let commit = |flags: u8, body: &[u8]| {
        let mut input = vec![9, 0];
        let mut head = [0; 32];
        (head[8], head[16], head[28], head[29]) = (5, 2, 1, flags);
        input.extend_from_slice(&head);
        input.extend_from_slice(body);
        input
    };
    let mut manifest = Manifest::new([3; 16]);
    let plain_manifest = manifest.encode().to_vec();
    manifest.clean = Some(Clean { segment: 1, len: 136, lsn: 1 });
    let clean = manifest.encode().to_vec();
    manifest.snapshot = Some(SnapshotRef { id: 4, len: 9, hash: [8; 32] });
    let named = manifest.encode().to_vec();
    let begun = payload(|out| {
        record::create(out, 1, "one", b"");
        record::shape(out, 1, 0, &["_id", "a"]);
        put(out, 1, 1, &every_type());
        put(out, 1, 2, &every_type());
        put(out, 1, 3, &every_type());
    });
    let changed = payload(|out| {
        record::create(out, 2, "two", b"{}");
        put(out, 2, 1, &object(&[("_id", Value::Int(1))]));
        record::delete(out, 2, &plain(&Value::Int(1)), &[]);
        record::drop_collection(out, 1);
    });
    let more = payload(|out| {
        put(out, 1, 1, &object(&[("_id", Value::Int(3)), ("a", every_type())]));
        record::delete(out, 1, &plain(&Value::Int(2)), &[]);
    });
    let limits = payload(|out| {
        put(out, 1, u64::MAX, &object(&[("_id", Value::Int(4))]));
        record::create(out, u32::MAX - 1, "last", b"");
    });
    let names = payload(|out| {
        record::create(out, 1, "one", b"");
        record::shape(out, 1, 0, &["_id", "a"]);
        record::create(out, 2, "two", b"");
        record::next(out, 9);
    });
    let several = |collection: u32, ids: std::ops::Range<i32>| {
        payload(|out| {
            for id in ids {
                put(out, collection, 1, &object(&[("_id", Value::Int(id)), ("a", every_type())]));
            }
        })
    };
    let (first, second, third) = (several(1, 0..3), several(1, 3..5), several(2, 0..1));
    let three: [(u8, u8, u8, &[u8]); 4] =
        [(0, 0, 0, &names), (0, 1, 3, &first), (0, 1, 2, &second), (0, 2, 1, &third)];
    let with = |at: usize, wrong: u8| {
        let mut list = three;
        list[at].0 = wrong;
        blocks(0, 2, &list)
    };
    let commits =
        [(1, 0, 1, 8, &b"one block"[..]), (1, 0, 2, 0, &body), (3, 0, 0, 0, b""), (2, 0, 0, 0, b"")];
    vec![
        ("frame", vec![seal.to_vec(), commit(1, b"one payload"), commit(0, &body)]),
        (
            "segment",
            vec![
                frames(1, &commits[..2]),
                frames(0, &commits),
                frames(1, &[commits[0], (1, 0, 1, 1, b"torn body"), (1, 0, 1, 8, b"later")]),
                frames(5, &[commits[0], (1, 0, 1, 2, b"bad head"), (1, 0, 0, 8, b"proof")]),
                frames(1, &[commits[0], (1, 250, 1, 8, b"a number too high")]),
                frames(1, &[commits[0], (1, 0, 1, 16, b"too long")]),
                frames(4, &[commits[0], (4, 0, 0, 0, b"bytes behind it")]),
                [&[3][..], &seal].concat(),
            ],
        ),
        ("manifest", vec![plain_manifest, clean, named]),
        (
            "document",
            vec![
                plain(&every_type()),
                vec![0xd5, 0x00, 0x00, 0x01, 0xa1, 0x61],
                plain(&Value::Array(vec![Value::Int(1); 40])),
                (0..101).map(|_| 0x91).chain([0xc0]).collect(),
            ],
        ),
        (
            "filter",
            queries()
                .iter()
                .map(|query| [&[0][..], &plain(query)].concat())
                .chain([(0..160u8).map(|n| n.wrapping_mul(97) | 1).collect()])
                .collect(),
        ),
        (
            "records",
            vec![row(0, &[begun.clone(), changed]), row(1, &[more]), row(2, &[begun]), row(1, &[limits])],
        ),
        (
            "snapshot",
            vec![
                blocks(0, 2, &three),
                blocks(0, 1, &three[..1]),
                blocks(0, 0, &[]),
                blocks(1, 2, &three),
                blocks(2, 2, &three),
                blocks(4, 2, &three),
                blocks(8, 2, &three),
                with(1, 1),
                with(1, 2),
                with(2, 4),
                with(1, 8),
                with(2, 16),
                with(3, 32),
            ],
        ),
        ("crafted_segment", disorder(&[2, 3, 6, 7, 14, 15, 30, 0])),
        ("crafted_snapshot", disorder(&[1, 2, 3, 5, 6, 7, 0, 65])),
        ("crafted_checkpoint", sparse()),
        ("crafted_manifest", disorder(&[7, 7, 7, 7, 0, 1, 3, 4])),
    ]
}
