//! Reading encoded bytes without building trees.
//!
//! The bytes were validated on input or at replay (`stored`). They are not trusted all the same: bytes that end early
//! or name an unknown shape read as null and as the end of the value, so that no input can panic. `outgoing` reports
//! such bytes as `CORRUPT`.

use super::token;
use crate::document::MAX_DEPTH;
use crate::document::kind::ValueKind;
use crate::document::shapes::shape::{Shape, ShapeId, Shapes};
use crate::document::value::{Object, Value};

/// One encoded value and the shapes its objects refer to.
#[derive(Clone, Copy)]
pub struct RawValue<'a> {
    bytes: &'a [u8],
    shapes: &'a Shapes,
}

/// What a value is, with its content where that is small.
pub type RawKind<'a> = ValueKind<'a, RawArray<'a>, RawObject<'a>>;

/// The elements of an encoded array.
#[derive(Clone, Copy)]
pub struct RawArray<'a> {
    rest: &'a [u8],
    len: usize,
    shapes: &'a Shapes,
}

/// The keys and values of an encoded object.
#[derive(Clone, Copy)]
pub struct RawObject<'a> {
    rest: &'a [u8],
    keys: Keys<'a>,
    shapes: &'a Shapes,
}

#[derive(Clone, Copy)]
enum Keys<'a> {
    /// Keys are the shape's.
    Shape(&'a Shape),
    /// Each value is preceded by its key; the number of entries.
    Inline(usize),
}

impl<'a> RawValue<'a> {
    /// The value at the start of these bytes. What follows it is ignored.
    #[inline]
    pub fn new(bytes: &'a [u8], shapes: &'a Shapes) -> Self {
        RawValue { bytes, shapes }
    }

    /// The bytes of this value alone.
    pub fn bytes(&self) -> &'a [u8] {
        &self.bytes[..value_len(self.bytes, self.shapes)]
    }

    /// All bytes that it was created from, including what follows the value.
    pub fn unread(&self) -> &'a [u8] {
        self.bytes
    }

    /// The shapes its objects refer to.
    pub fn shapes(&self) -> &'a Shapes {
        self.shapes
    }

    /// Its kind. The most common kinds are decided inline, so that the compiler can specialize callers.
    #[inline(always)]
    pub fn kind(&self) -> RawKind<'a> {
        match self.bytes {
            [lead @ 0x00..=0x7f, ..] => RawKind::Int(i32::from(*lead)),
            [lead @ 0xa0..=0xbf, rest @ ..] => match rest.get(..usize::from(lead & 0x1f)) {
                Some(text) => RawKind::String(text),
                None => RawKind::Null,
            },
            [token::FLOAT64, rest @ ..] => match rest.first_chunk() {
                Some(number) => RawKind::Double(f64::from_be_bytes(*number)),
                None => RawKind::Null,
            },
            _ => kind(self.bytes, self.shapes).unwrap_or(RawKind::Null),
        }
    }

    /// The object, if it is one.
    #[inline]
    pub fn as_object(&self) -> Option<RawObject<'a>> {
        match self.kind() {
            RawKind::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The array, if it is one.
    #[inline]
    pub fn as_array(&self) -> Option<RawArray<'a>> {
        match self.kind() {
            RawKind::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The field of an object; `None` when this is no object or has no such key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<RawValue<'a>> {
        let &[token::RECORD, high, low, ref rest @ ..] = self.bytes else {
            return self.as_object()?.get(key);
        };
        let place = self.shapes.get(ShapeId(u16::from_be_bytes([high, low])))?.position(key)?;
        let rest = rest.get(step_over(rest, 0, place, self.shapes)..).filter(|rest| !rest.is_empty())?;
        Some(RawValue::new(rest, self.shapes))
    }

    /// The value as a tree. What lies deeper than [`MAX_DEPTH`] reads as null.
    pub fn to_value(&self) -> Value {
        self.to_tree(1)
    }

    fn to_tree(self, level: usize) -> Value {
        match self.kind() {
            RawKind::Null => Value::Null,
            RawKind::Bool(value) => Value::Bool(value),
            RawKind::Int(value) => Value::Int(value),
            RawKind::Double(value) => Value::Double(value),
            RawKind::Long(value) => Value::Long(value),
            RawKind::String(bytes) => Value::String(String::from_utf8_lossy(bytes).into_owned()),
            RawKind::Binary(bytes) => Value::Binary(bytes.to_vec()),
            RawKind::ObjectId(bytes) => Value::ObjectId(*bytes),
            RawKind::Date(millis) => Value::Date(millis),
            RawKind::Array(_) | RawKind::Object(_) if level > MAX_DEPTH => Value::Null,
            RawKind::Array(array) => Value::Array(array.iter().map(|item| item.to_tree(level + 1)).collect()),
            RawKind::Object(object) => Value::Object(object.to_tree(level)),
        }
    }
}

impl<'a> RawArray<'a> {
    /// How many elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements in order.
    pub fn iter(self) -> impl Iterator<Item = RawValue<'a>> {
        let RawArray { mut rest, len, shapes } = self;
        (0..len).map_while(move |_| next_value(&mut rest, shapes))
    }

    /// The element at this place.
    pub fn get(&self, index: usize) -> Option<RawValue<'a>> {
        if index < self.len { self.iter().nth(index) } else { None }
    }
}

impl<'a> RawObject<'a> {
    /// How many fields.
    pub fn len(&self) -> usize {
        match self.keys {
            Keys::Shape(shape) => shape.len(),
            Keys::Inline(len) => len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keys and values in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, RawValue<'a>)> {
        let RawObject { mut rest, keys, shapes } = self;
        (0..self.len()).map_while(move |n| {
            let key = match keys {
                Keys::Shape(shape) => &*shape.keys()[n],
                Keys::Inline(_) => next_key(&mut rest, shapes)?,
            };
            Some((key, next_value(&mut rest, shapes)?))
        })
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<RawValue<'a>> {
        match self.keys {
            Keys::Shape(shape) => {
                let at = step_over(self.rest, 0, shape.position(key)?, self.shapes);
                let rest = self.rest.get(at..).filter(|rest| !rest.is_empty())?;
                Some(RawValue::new(rest, self.shapes))
            }
            Keys::Inline(_) => self.iter().find(|(own, _)| *own == key).map(|(_, value)| value),
        }
    }

    /// The object as a tree.
    pub fn to_object(&self) -> Object {
        self.to_tree(1)
    }

    fn to_tree(self, level: usize) -> Object {
        self.iter().map(|(key, value)| (key.to_owned(), value.to_tree(level + 1))).collect()
    }
}

fn next_value<'a>(rest: &mut &'a [u8], shapes: &'a Shapes) -> Option<RawValue<'a>> {
    if rest.is_empty() {
        return None;
    }
    let value = RawValue::new(rest, shapes);
    *rest = &rest[value_len(rest, shapes)..];
    Some(value)
}

fn next_key<'a>(rest: &mut &'a [u8], shapes: &'a Shapes) -> Option<&'a str> {
    match next_value(rest, shapes)?.kind() {
        RawKind::String(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

#[inline]
fn be<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn kind<'a>(bytes: &'a [u8], shapes: &'a Shapes) -> Option<RawKind<'a>> {
    let string = |at: usize, len: usize| bytes.get(at..at.checked_add(len)?).map(RawKind::String);
    let binary = |at: usize, len: usize| bytes.get(at..at.checked_add(len)?).map(RawKind::Binary);
    let array =
        |at: usize, len: usize| Some(RawKind::Array(RawArray { rest: bytes.get(at..)?, len, shapes }));
    let map = |at: usize, len: usize| {
        Some(RawKind::Object(RawObject { rest: bytes.get(at..)?, keys: Keys::Inline(len), shapes }))
    };
    let lead = *bytes.first()?;
    match lead {
        0x00..=0x7f => Some(RawKind::Int(i32::from(lead))),
        0xe0..=0xff => Some(RawKind::Int(i32::from(lead as i8))),
        0xa0..=0xbf => string(1, usize::from(lead & 0x1f)),
        0x80..=0x8f => map(1, usize::from(lead & 0x0f)),
        0x90..=0x9f => array(1, usize::from(lead & 0x0f)),
        token::NIL => Some(RawKind::Null),
        token::FALSE => Some(RawKind::Bool(false)),
        token::TRUE => Some(RawKind::Bool(true)),
        token::RECORD => {
            let shape = shapes.get(ShapeId(u16::from_be_bytes(be(bytes, 1)?)))?;
            Some(RawKind::Object(RawObject { rest: bytes.get(3..)?, keys: Keys::Shape(shape), shapes }))
        }
        token::UINT8 => Some(RawKind::Int(i32::from(*bytes.get(1)?))),
        token::UINT16 => Some(RawKind::Int(i32::from(u16::from_be_bytes(be(bytes, 1)?)))),
        token::UINT32 => i32::try_from(u32::from_be_bytes(be(bytes, 1)?)).ok().map(RawKind::Int),
        token::INT8 => Some(RawKind::Int(i32::from(*bytes.get(1)? as i8))),
        token::INT16 => Some(RawKind::Int(i32::from(i16::from_be_bytes(be(bytes, 1)?)))),
        token::INT32 => Some(RawKind::Int(i32::from_be_bytes(be(bytes, 1)?))),
        token::INT64 => Some(RawKind::Long(i64::from_be_bytes(be(bytes, 1)?))),
        token::FLOAT64 => Some(RawKind::Double(f64::from_be_bytes(be(bytes, 1)?))),
        token::STR8 => string(2, usize::from(*bytes.get(1)?)),
        token::STR16 => string(3, usize::from(u16::from_be_bytes(be(bytes, 1)?))),
        token::STR32 => string(5, u32::from_be_bytes(be(bytes, 1)?) as usize),
        token::BIN8 => binary(2, usize::from(*bytes.get(1)?)),
        token::BIN16 => binary(3, usize::from(u16::from_be_bytes(be(bytes, 1)?))),
        token::BIN32 => binary(5, u32::from_be_bytes(be(bytes, 1)?) as usize),
        token::ARRAY16 => array(3, usize::from(u16::from_be_bytes(be(bytes, 1)?))),
        token::ARRAY32 => array(5, u32::from_be_bytes(be(bytes, 1)?) as usize),
        token::MAP16 => map(3, usize::from(u16::from_be_bytes(be(bytes, 1)?))),
        token::MAP32 => map(5, u32::from_be_bytes(be(bytes, 1)?) as usize),
        token::FIXEXT8 => Some(RawKind::Date(i64::from_be_bytes(be(bytes, 2)?))),
        token::EXT8 => bytes.get(3..15)?.try_into().ok().map(RawKind::ObjectId),
        _ => None,
    }
}

/// The length in bytes of the value at the start of these bytes, at most their length.
pub(crate) fn value_len(bytes: &[u8], shapes: &Shapes) -> usize {
    step_over(bytes, 0, 1, shapes)
}

/// The end of this many consecutive values from `at` on, at most the length of the bytes. Iterative, because the
/// depth of unvalidated bytes has no bound.
#[inline]
pub(crate) fn step_over(bytes: &[u8], mut at: usize, values: usize, shapes: &Shapes) -> usize {
    let mut pending = values;
    while pending > 0 {
        let Some(&lead) = bytes.get(at) else { return bytes.len() };
        let (head, children) = match HEADS[usize::from(lead)] {
            (0, _) => match head_len(bytes.get(at..).unwrap_or_default(), shapes) {
                Some(found) => found,
                None => return bytes.len(),
            },
            (head, children) => (usize::from(head), usize::from(children)),
        };
        at += head;
        pending = pending - 1 + children;
    }
    at.min(bytes.len())
}

/// [`head_len`] of the values whose lead byte determines it; 0 for the others. Scans skip most of what they read.
const HEADS: [(u8, u8); 256] = {
    let mut heads = [(0, 0); 256];
    let mut lead = 0;
    while lead < 256 {
        heads[lead] = match lead as u8 {
            0x00..=0x7f | 0xe0..=0xff | token::NIL | token::FALSE | token::TRUE => (1, 0),
            string @ 0xa0..=0xbf => (1 + (string & 0x1f), 0),
            map @ 0x80..=0x8f => (1, 2 * (map & 0x0f)),
            array @ 0x90..=0x9f => (1, array & 0x0f),
            token::UINT8 | token::INT8 => (2, 0),
            token::UINT16 | token::INT16 => (3, 0),
            token::UINT32 | token::INT32 => (5, 0),
            token::INT64 | token::FLOAT64 => (9, 0),
            token::FIXEXT8 => (10, 0),
            token::EXT8 => (15, 0),
            _ => (0, 0),
        };
        lead += 1;
    }
    heads
};

/// Bytes of the lead, length and content of a value without its children, and the number of its children; for the
/// values that [`HEADS`] leaves out.
#[inline]
fn head_len(bytes: &[u8], shapes: &Shapes) -> Option<(usize, usize)> {
    let long = |at: usize| u32::from_be_bytes(be(bytes, at)?).try_into().ok();
    Some(match *bytes.first()? {
        token::STR8 | token::BIN8 => (2 + usize::from(*bytes.get(1)?), 0),
        token::RECORD => (3, shapes.get(ShapeId(u16::from_be_bytes(be(bytes, 1)?)))?.len()),
        token::STR16 | token::BIN16 => (3 + usize::from(u16::from_be_bytes(be(bytes, 1)?)), 0),
        token::STR32 | token::BIN32 => (5usize.checked_add(long(1)?)?, 0),
        token::ARRAY16 => (3, usize::from(u16::from_be_bytes(be(bytes, 1)?))),
        token::ARRAY32 => (5, long(1)?),
        token::MAP16 => (3, 2 * usize::from(u16::from_be_bytes(be(bytes, 1)?))),
        token::MAP32 => (5, long(1)?.checked_mul(2)?),
        _ => return None,
    })
}
