//! The stored form, to what crosses the boundary: a section of `docs/boundary.md`.
//!
//! JavaScript makes many strings at once from a block of characters much faster than one by one from UTF-8, so
//! the characters of strings leave the tokens and travel in blocks. All else is copied as it is stored.

use super::encode;
use super::raw::RawValue;
use super::shape::{Shape, ShapeId, Shapes};
use super::value::Value;
use super::walk::{Form, Sink, Spot, is_ascii, walk_one};
use crate::error::Result;

/// Bytes of a block; a longer string has a block of its own. A kept string pins its block in JavaScript.
pub const BLOCK: usize = 4096;

/// Bytes that a buffer keeps from one section to the next.
const KEEP: usize = 1 << 20;

const STR_UTF16_8: u8 = 0xd4;
const STR_UTF16_16: u8 = 0xd5;
const STR_UTF16_32: u8 = 0xd6;

/// The collection number that says: none.
pub const NO_COLLECTION: u32 = u32::MAX;

/// A section in the making; its buffers are kept from one to the next.
#[derive(Default)]
pub struct Outgoing {
    tokens: Vec<u8>,
    latin1: Blocks,
    utf16: Blocks,
}

/// Strings of one kind, back to back, cut into blocks.
#[derive(Default)]
struct Blocks {
    bytes: Vec<u8>,
    /// Lengths of the blocks that are complete.
    lengths: Vec<u32>,
    /// Where the last block starts.
    start: usize,
}

impl Blocks {
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
        self.lengths.clear();
        self.start = 0;
    }

    /// Makes room for a string of this many bytes, which the caller appends next.
    #[inline]
    fn place(&mut self, len: usize) {
        let used = self.bytes.len() - self.start;
        if used > 0 && used + len > BLOCK {
            self.close();
        }
    }

    /// Ends the last block.
    fn close(&mut self) {
        let used = self.bytes.len() - self.start;
        if used > 0 {
            self.lengths.push(used as u32);
            self.start = self.bytes.len();
        }
    }
}

impl Outgoing {
    /// Empty buffers.
    pub fn new() -> Self {
        Outgoing::default()
    }

    /// Forgets what was written; the buffers stay, unless they have grown beyond [`KEEP`].
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.tokens.shrink_to(KEEP);
        self.latin1.clear();
        self.utf16.clear();
    }

    /// Appends a stored value. Bytes that are no value in its one encoding, or that name a shape which is not in
    /// the table, are `CORRUPT`; then what was appended so far is of no use, and [`Outgoing::clear`] is next.
    pub fn raw(&mut self, value: RawValue<'_>) -> Result<()> {
        let bytes = value.unread();
        let mut sink = Split { to: self, copied: 0 };
        match walk_one(bytes, value.shapes(), &mut sink) {
            Ok(end) => {
                sink.copy(bytes, end);
                Ok(())
            }
            Err(refusal) => Err(refusal.corrupt()),
        }
    }

    /// Appends a tree, its objects as maps.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.array(items.len());
                for item in items {
                    self.value(item);
                }
            }
            Value::Object(object) => {
                self.map(object.len());
                for (key, value) in object {
                    self.string(key);
                    self.value(value);
                }
            }
            scalar => encode::encode_plain(scalar, &mut self.tokens),
        }
    }

    /// Appends null.
    pub fn nil(&mut self) {
        self.tokens.push(super::token::NIL);
    }

    /// Appends a boolean.
    pub fn bool(&mut self, value: bool) {
        encode::write_bool(value, &mut self.tokens);
    }

    /// Appends a number.
    pub fn number(&mut self, value: f64) {
        encode::write_number(value, &mut self.tokens);
    }

    /// Appends a string.
    pub fn string(&mut self, text: &str) {
        if is_ascii(text.as_bytes()) {
            encode::write_string_head(text.len(), &mut self.tokens);
            self.latin1.place(text.len());
            self.latin1.bytes.extend_from_slice(text.as_bytes());
        } else {
            self.wide(text);
        }
    }

    /// Begins an array of this many items, to be appended next.
    pub fn array(&mut self, len: usize) {
        encode::write_array_head(len, &mut self.tokens);
    }

    /// Begins an object of this many fields; key (a string) and value of each are to be appended next.
    pub fn map(&mut self, len: usize) {
        encode::write_map_head(len, &mut self.tokens);
    }

    /// Bytes of the section so far, shape definitions left out.
    pub fn len(&self) -> usize {
        const FIXED: usize = 4 + 4 + 4 + 8;
        let blocks = self.latin1.lengths.len() + self.utf16.lengths.len() + 2;
        FIXED + 4 * blocks + self.latin1.bytes.len() + self.utf16.bytes.len() + self.tokens.len()
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Appends the section to `out`: the collection's number and the definitions that the caller lacks, who
    /// says `known`: the number of the collection whose shapes it has, and how many of them. Clear comes next.
    pub fn finish(&mut self, collection: Option<(u32, &Shapes)>, known: (u32, u32), out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        match collection {
            Some((number, shapes)) => {
                out.extend_from_slice(&number.to_le_bytes());
                let has = if known.0 == number { known.1 as usize } else { 0 };
                write_definitions(shapes, has, out);
            }
            None => {
                out.extend_from_slice(&NO_COLLECTION.to_le_bytes());
                out.extend_from_slice(&[0; 4]);
            }
        }
        self.latin1.close();
        self.utf16.close();
        for blocks in [&self.latin1, &self.utf16] {
            out.extend_from_slice(&(blocks.lengths.len() as u32).to_le_bytes());
        }
        for length in self.latin1.lengths.iter().chain(&self.utf16.lengths) {
            out.extend_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(&self.latin1.bytes);
        out.extend_from_slice(&self.utf16.bytes);
        out.extend_from_slice(&self.tokens);
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Appends a string that is not ASCII.
    fn wide(&mut self, text: &str) {
        // In UTF-8, characters up to U+00FF are those that no lead byte past C3 starts.
        if text.bytes().all(|byte| byte <= 0xc3) {
            let len = text.chars().count();
            encode::write_string_head(len, &mut self.tokens);
            self.latin1.place(len);
            self.latin1.bytes.extend(text.chars().map(|c| c as u8));
            return;
        }
        let len = text.encode_utf16().count();
        match len {
            0..=0xff => self.tokens.extend_from_slice(&[STR_UTF16_8, len as u8]),
            0x100..=0xffff => {
                self.tokens.push(STR_UTF16_16);
                self.tokens.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                self.tokens.push(STR_UTF16_32);
                self.tokens.extend_from_slice(&(len as u32).to_be_bytes());
            }
        }
        self.utf16.place(2 * len);
        self.utf16.bytes.reserve(2 * len);
        for unit in text.encode_utf16() {
            self.utf16.bytes.extend_from_slice(&unit.to_le_bytes());
        }
    }
}

fn write_definitions(shapes: &Shapes, known: usize, out: &mut Vec<u8>) {
    let len = shapes.len();
    let first = known.min(len);
    out.extend_from_slice(&(first as u16).to_le_bytes());
    out.extend_from_slice(&((len - first) as u16).to_le_bytes());
    for id in first..len {
        // There is a shape for every number below the length, of at most 65,535 keys (`Shapes::push`).
        let keys = shapes.get(ShapeId(id as u16)).map(Shape::keys).unwrap_or_default();
        out.extend_from_slice(&(keys.len() as u16).to_le_bytes());
        for key in keys {
            out.extend_from_slice(&(key.len() as u32).to_le_bytes());
            out.extend_from_slice(key.as_bytes());
        }
    }
}

/// Appends `input[from..end]`. Most pieces are short, and a copy of a fixed length is a move of two registers, so more is
/// copied than wanted and the rest is cut off.
#[inline]
fn append(out: &mut Vec<u8>, input: &[u8], from: usize, end: usize) {
    const SHORT: usize = 16;
    let rest = input.get(from..).unwrap_or_default();
    let len = end.saturating_sub(from);
    match rest.first_chunk::<SHORT>() {
        Some(chunk) if len <= SHORT => {
            let whole = out.len() + len;
            out.extend_from_slice(chunk);
            out.truncate(whole);
        }
        _ => out.extend_from_slice(rest.get(..len).unwrap_or_default()),
    }
}

/// Takes the characters of strings out of the tokens.
struct Split<'o> {
    to: &'o mut Outgoing,
    /// How far the input is copied.
    copied: usize,
}

impl Split<'_> {
    #[inline]
    fn copy(&mut self, input: &[u8], end: usize) {
        append(&mut self.to.tokens, input, self.copied, end);
        self.copied = end;
    }
}

impl Sink for Split<'_> {
    const WANTS_KEYS: bool = false;

    #[inline]
    fn string(&mut self, input: &[u8], spot: Spot, text: &[u8], ascii: bool) {
        let end = spot.body + text.len();
        if ascii {
            // As many characters as bytes: lead and length stay.
            self.copy(input, spot.body);
            self.to.latin1.place(text.len());
            append(&mut self.to.latin1.bytes, input, spot.body, end);
        } else {
            self.copy(input, spot.start);
            self.to.wide(std::str::from_utf8(text).unwrap_or_default());
        }
        self.copied = end;
    }

    #[inline]
    fn record(&mut self, _: &[u8], _: Spot, _: ShapeId, _: &Shape) -> Form {
        Form::Positional
    }

    fn map(&mut self, _: &[u8], _: Spot, _: &[&str]) -> Form {
        Form::Keyed
    }

    fn member(&mut self, _: &[u8], _: usize, _: &str) {}

    fn omit(&mut self, _: &[u8], _: Spot, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_at_any_distance_from_the_end_are_appended_whole() {
        let input: Vec<u8> = (0..50).collect();
        for from in 0..=input.len() {
            for end in from..=input.len() {
                let mut out = vec![255; 3];
                append(&mut out, &input, from, end);
                assert_eq!(out[3..], input[from..end]);
            }
        }
    }
}
