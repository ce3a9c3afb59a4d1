//! Writing the records of a payload: see [`record`](super::record).

use std::ops::Range;

use super::put::{Making, Metadata};

pub(super) const PUT: u8 = 1;
pub(super) const DELETE: u8 = 2;
pub(super) const SHAPE: u8 = 3;
pub(super) const CREATE: u8 = 4;
pub(super) const DROP: u8 = 5;
pub(super) const NEXT: u8 = 7;
pub(super) const RENAME: u8 = 6;
pub(super) const INDEX: u8 = 8;
pub(super) const UNINDEX: u8 = 9;
pub(super) const INSERT: u8 = 10;
pub(super) const UPDATE: u8 = 11;
pub(super) const REPLACE: u8 = 12;
pub(super) const DROPDB: u8 = 15;
pub(super) const REMOVE: u8 = 16;
pub(super) const TXN: u8 = 13;
pub(super) const COLLMOD: u8 = 14;
pub(super) const PAST: u8 = 17;
pub(super) const PAST_SHAPE: u8 = 18;

/// Begins a payload.
pub fn begin(out: &mut Vec<u8>, time: i64) {
    out.extend_from_slice(&time.to_le_bytes());
}

/// Appends a PUT; returns the document's place and the length of the record's head.
pub fn put(out: &mut Vec<u8>, time: i64, metadata: Metadata, document: &[u8]) -> (Range<usize>, u32) {
    let Metadata { collection, version, created_at, modified_at } = metadata;
    let start = out.len();
    out.push(PUT);
    varint(out, u64::from(collection));
    varint(out, version);
    varint(out, zigzag(time.wrapping_sub(created_at)));
    varint(out, zigzag(time.wrapping_sub(modified_at)));
    varint(out, document.len() as u64);
    let head = out.len() - start;
    out.extend_from_slice(document);
    (start + head..out.len(), head as u32)
}

/// Appends an INSERT, UPDATE or REPLACE, modified at the payload's time; returns the document's place and the length of the
/// record's head. `created_at` is told where the document is not new; `before` is the document before, where it is kept.
pub fn write(
    out: &mut Vec<u8>,
    time: i64,
    (collection, version, created_at): (u32, u64, i64),
    making: Making<'_>,
    document: &[u8],
    before: &[u8],
) -> (Range<usize>, u32) {
    let start = out.len();
    out.push(match making {
        Making::Inserted => INSERT,
        Making::Updated(_) => UPDATE,
        Making::Replaced => REPLACE,
    });
    varint(out, u64::from(collection));
    varint(out, version);
    if !matches!(making, Making::Inserted) {
        varint(out, zigzag(time.wrapping_sub(created_at)));
    }
    varint(out, document.len() as u64);
    let head = out.len() - start;
    out.extend_from_slice(document);
    let place = start + head..out.len();
    match making {
        Making::Inserted => {}
        Making::Updated(changes) => {
            bytes(out, changes);
            bytes(out, before);
        }
        Making::Replaced => bytes(out, before),
    }
    (place, head as u32)
}

/// Appends a REMOVE.
pub fn delete(out: &mut Vec<u8>, collection: u32, id: &[u8], before: &[u8]) {
    out.push(REMOVE);
    varint(out, u64::from(collection));
    bytes(out, id);
    bytes(out, before);
}

/// Appends a TXN: the session, and the number of the transaction in it.
pub fn transaction(out: &mut Vec<u8>, session: &[u8; 16], number: u64) {
    out.push(TXN);
    out.extend_from_slice(session);
    varint(out, number);
}

/// Appends a PAST: what a collection was called up to a commit, which has renamed it, or dropped it.
pub fn past(out: &mut Vec<u8>, collection: u32, until: u64, is_dropped: bool, name: &str) {
    out.push(PAST);
    varint(out, u64::from(collection));
    varint(out, until);
    varint(out, u64::from(is_dropped));
    bytes(out, name.as_bytes());
}

/// Appends a PAST_SHAPE: the next shape of a dropped collection.
pub fn past_shape<S: AsRef<str>>(out: &mut Vec<u8>, collection: u32, keys: &[S]) {
    out.push(PAST_SHAPE);
    varint(out, u64::from(collection));
    varint(out, keys.len() as u64);
    for key in keys {
        bytes(out, key.as_ref().as_bytes());
    }
}

/// Appends a SHAPE.
pub fn shape<S: AsRef<str>>(out: &mut Vec<u8>, collection: u32, shape: u16, keys: &[S]) {
    out.push(SHAPE);
    varint(out, u64::from(collection));
    varint(out, u64::from(shape));
    varint(out, keys.len() as u64);
    for key in keys {
        bytes(out, key.as_ref().as_bytes());
    }
}

/// Appends a CREATE.
pub fn create(out: &mut Vec<u8>, collection: u32, name: &str, options: &[u8]) {
    out.push(CREATE);
    varint(out, u64::from(collection));
    bytes(out, name.as_bytes());
    bytes(out, options);
}

/// Appends a COLLMOD: the options of a collection, and those before.
pub fn coll_mod(out: &mut Vec<u8>, collection: u32, options: &[u8], before: &[u8]) {
    out.push(COLLMOD);
    varint(out, u64::from(collection));
    bytes(out, options);
    bytes(out, before);
}

/// Appends a RENAME.
pub fn rename(out: &mut Vec<u8>, collection: u32, name: &str) {
    out.push(RENAME);
    varint(out, u64::from(collection));
    bytes(out, name.as_bytes());
}

/// Appends a DROP.
pub fn drop_collection(out: &mut Vec<u8>, collection: u32) {
    out.push(DROP);
    varint(out, u64::from(collection));
}

/// Appends a DROPDB.
pub fn drop_database(out: &mut Vec<u8>, name: &str) {
    out.push(DROPDB);
    bytes(out, name.as_bytes());
}

/// Appends an INDEX.
pub fn index(out: &mut Vec<u8>, collection: u32, spec: &[u8]) {
    out.push(INDEX);
    varint(out, u64::from(collection));
    bytes(out, spec);
}

/// Appends an UNINDEX.
pub fn drop_index(out: &mut Vec<u8>, collection: u32, name: &str) {
    out.push(UNINDEX);
    varint(out, u64::from(collection));
    bytes(out, name.as_bytes());
}

/// Appends a NEXT.
pub fn next(out: &mut Vec<u8>, collection: u32) {
    out.push(NEXT);
    varint(out, u64::from(collection));
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a number.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
