//! From the stored form to a message to JavaScript: a section of `docs/boundary.md`.
//!
//! JavaScript slices many strings from one single-byte string much faster than it decodes each from UTF-8. So ASCII
//! strings stay in place, and a document that has only such strings is copied as it is. Latin-1 strings take one byte
//! per character. The characters of all other strings are moved out of the tokens into blocks of UTF-16.

use crate::document::check::plain::plain_end;
use crate::document::check::walk::{Form, Sink, Spot, is_ascii, walk_one};
use crate::document::encoding::encode;
use crate::document::encoding::raw::RawValue;
use crate::document::shapes::shape::{Shape, ShapeId, Shapes};
use crate::document::value::Value;
use crate::error::Result;

/// Bytes of a block; a longer string has a block of its own. A kept string pins its block in JavaScript.
pub const BLOCK: usize = 4096;

/// Bytes that a buffer keeps from one section to the next.
const KEEP: usize = 1 << 20;

const STR_UTF16_8: u8 = 0xd4;
const STR_UTF16_16: u8 = 0xd5;
const STR_UTF16_32: u8 = 0xd6;

/// The collection number of a section without a collection.
pub const NO_COLLECTION: u32 = u32::MAX;

/// Bytes before the tokens of a plain section, one without definitions and blocks: length, collection, first shape and how many, blocks.
pub const HEAD: usize = 16;

/// A section under construction; its buffers are reused for the next.
pub struct Outgoing {
    /// Space for the head, then the tokens.
    simple: Vec<u8>,
    utf16: Blocks,
    /// A section that has more than head and tokens.
    whole: Vec<u8>,
}

/// Strings of UTF-16, back to back, cut into blocks.
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

impl Default for Outgoing {
    fn default() -> Self {
        Outgoing { simple: vec![0; HEAD], utf16: Blocks::default(), whole: Vec::new() }
    }
}

impl Outgoing {
    /// Empty buffers.
    pub fn new() -> Self {
        Outgoing::default()
    }

    /// Forgets what was written; the buffers stay, unless they have grown beyond [`KEEP`].
    #[inline]
    pub fn clear(&mut self) {
        self.simple.truncate(HEAD);
        self.simple.shrink_to(KEEP);
        if !self.utf16.bytes.is_empty() {
            self.utf16.clear();
        }
    }

    /// Appends a stored value. Bytes that are not a canonical value, or that name a shape that is not in the table,
    /// are `CORRUPT`; then the output is unusable and must be cleared with [`Outgoing::clear`].
    #[inline]
    pub fn raw(&mut self, value: RawValue<'_>) -> Result<()> {
        let bytes = value.unread();
        let plain = plain_end(bytes, value.shapes()).and_then(|end| bytes.get(..end));
        if let Some(plain) = plain {
            self.simple.extend_from_slice(plain);
            return Ok(());
        }
        self.translated(value)
    }

    fn translated(&mut self, value: RawValue<'_>) -> Result<()> {
        let bytes = value.unread();
        let mut sink = Plain { to: self, copied: 0 };
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
            scalar => encode::encode_plain(scalar, &mut self.simple),
        }
    }

    /// Appends null.
    pub fn nil(&mut self) {
        self.simple.push(crate::document::encoding::token::NIL);
    }

    /// Appends a boolean.
    pub fn bool(&mut self, value: bool) {
        encode::write_bool(value, &mut self.simple);
    }

    /// Appends a number.
    pub fn number(&mut self, value: f64) {
        encode::write_number(value, &mut self.simple);
    }

    /// Appends a string.
    pub fn string(&mut self, text: &str) {
        if is_ascii(text.as_bytes()) {
            encode::write_string(text, &mut self.simple);
        } else {
            self.wide(text);
        }
    }

    /// Begins an array of this many items, to be appended next.
    pub fn array(&mut self, len: usize) {
        encode::write_array_head(len, &mut self.simple);
    }

    /// Begins an object of this many fields; key (a string) and value of each are to be appended next.
    pub fn map(&mut self, len: usize) {
        encode::write_map_head(len, &mut self.simple);
    }

    /// Bytes of the section so far, shape definitions left out.
    pub fn len(&self) -> usize {
        self.simple.len() + 4 * (self.utf16.lengths.len() + 1) + self.utf16.bytes.len()
    }

    /// Whether the section has only a head of [`HEAD`] bytes and tokens, for a caller that knows these shapes.
    pub fn is_plain(&self, (number, shapes): (u32, &Shapes), known: (u32, u32)) -> bool {
        self.utf16.bytes.is_empty() && known.0 == number && known.1 as usize >= shapes.len()
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.simple.len() == HEAD
    }

    /// The section, with the shape definitions that the caller lacks. `known` is the number of the collection whose
    /// shapes the caller has, and how many of them. Call [`Outgoing::clear`] next.
    #[inline]
    pub fn finish(&mut self, collection: Option<(u32, &Shapes)>, known: (u32, u32)) -> &[u8] {
        let (number, shapes) =
            collection.map_or((NO_COLLECTION, None), |(number, shapes)| (number, Some(shapes)));
        let len = shapes.map_or(0, Shapes::len);
        let has = if known.0 == number { known.1 as usize } else { 0 };
        let first = has.min(len);
        if first < len || !self.utf16.bytes.is_empty() {
            return self.whole(number, shapes, first);
        }
        let length = (self.simple.len() - 4) as u32;
        if let Some(head) = self.simple.first_chunk_mut::<HEAD>() {
            let (words, _) = head.as_chunks_mut::<4>();
            let of = [length, number, first as u32, 0];
            words.iter_mut().zip(of).for_each(|(word, of)| *word = of.to_le_bytes());
        }
        &self.simple
    }

    /// A section with definitions or blocks.
    fn whole(&mut self, number: u32, shapes: Option<&Shapes>, first: usize) -> &[u8] {
        self.utf16.close();
        let out = &mut self.whole;
        out.clear();
        out.shrink_to(KEEP);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&number.to_le_bytes());
        write_definitions(shapes, first, out);
        out.extend_from_slice(&(self.utf16.lengths.len() as u32).to_le_bytes());
        for length in &self.utf16.lengths {
            out.extend_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(&self.utf16.bytes);
        out.extend_from_slice(self.simple.get(HEAD..).unwrap_or_default());
        let length = (out.len() - 4) as u32;
        out[..4].copy_from_slice(&length.to_le_bytes());
        out
    }

    /// Appends a string that is not ASCII.
    fn wide(&mut self, text: &str) {
        // In UTF-8, the characters above U+00FF are those whose lead byte is above C3.
        if text.bytes().all(|byte| byte <= 0xc3) {
            let len = text.chars().count();
            encode::write_string_head(len, &mut self.simple);
            self.simple.extend(text.chars().map(|c| c as u8));
            return;
        }
        let len = text.encode_utf16().count();
        match len {
            0..=0xff => self.simple.extend_from_slice(&[STR_UTF16_8, len as u8]),
            0x100..=0xffff => {
                self.simple.push(STR_UTF16_16);
                self.simple.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                self.simple.push(STR_UTF16_32);
                self.simple.extend_from_slice(&(len as u32).to_be_bytes());
            }
        }
        self.utf16.place(2 * len);
        self.utf16.bytes.reserve(2 * len);
        for unit in text.encode_utf16() {
            self.utf16.bytes.extend_from_slice(&unit.to_le_bytes());
        }
    }
}

fn write_definitions(shapes: Option<&Shapes>, first: usize, out: &mut Vec<u8>) {
    let len = shapes.map_or(0, Shapes::len);
    out.extend_from_slice(&(first as u16).to_le_bytes());
    out.extend_from_slice(&((len - first) as u16).to_le_bytes());
    for id in first..len {
        // Every number below the length has a shape, of at most 65,535 keys (`Shapes::push`).
        let shape = shapes.and_then(|shapes| shapes.get(ShapeId(id as u16)));
        let keys = shape.map(Shape::keys).unwrap_or_default();
        out.extend_from_slice(&(keys.len() as u16).to_le_bytes());
        for key in keys {
            out.extend_from_slice(&(key.len() as u32).to_le_bytes());
            out.extend_from_slice(key.as_bytes());
        }
    }
}

/// Copies values as they are stored, except for strings that are not ASCII.
struct Plain<'o> {
    to: &'o mut Outgoing,
    /// How far the input is copied.
    copied: usize,
}

impl Plain<'_> {
    #[inline]
    fn copy(&mut self, input: &[u8], end: usize) {
        self.to.simple.extend_from_slice(input.get(self.copied..end).unwrap_or_default());
        self.copied = end;
    }
}

impl Sink for Plain<'_> {
    const WANTS_KEYS: bool = false;

    #[inline]
    fn string(&mut self, input: &[u8], spot: Spot, text: &[u8], ascii: bool) {
        if !ascii {
            self.copy(input, spot.start);
            self.to.wide(std::str::from_utf8(text).unwrap_or_default());
            self.copied = spot.body + text.len();
        }
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
