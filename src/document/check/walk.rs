//! The strict pass over untrusted bytes: it accepts one canonical value, or returns a refusal with its place. A sink
//! receives what passes and may translate it.
//!
//! Recursion is bounded by [`MAX_DEPTH`]. A path is built only while a refusal unwinds.

use smallvec::SmallVec;

use super::fault::{Fault, Refusal, Step};
use crate::document::MAX_DEPTH;
use crate::document::encoding::raw::value_len;
use crate::document::encoding::token;
use crate::document::shapes::shape::{Shape, ShapeId, Shapes, first_repeated};
use crate::document::value::{MAX_DATE, Value};

/// Keys of a map, borrowed from the input.
pub(crate) type Keys<'a> = SmallVec<[&'a str; 16]>;

/// What a sink does with the keys of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Each key is handed to the sink before its value.
    Keyed,
    /// Keys are left out.
    Positional,
}

/// A token in the input.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    /// Where the token starts.
    pub(crate) start: usize,
    /// Where its lead and length end.
    pub(crate) body: usize,
}

/// Receives the tokens that a translation may have to change; all others may be copied as they are.
pub(crate) trait Sink {
    /// Whether all keys of a map are wanted (and checked to be distinct) before its values.
    const WANTS_KEYS: bool;
    /// Whether the keys of a map must be distinct where the sink does not want them before its values. Looking ahead
    /// reads the values once more per level; this does not.
    const CHECKS_KEYS: bool = false;

    /// A string that is no key of a map, or one in a map whose keys are not wanted.
    fn string(&mut self, input: &[u8], spot: Spot, text: &[u8], ascii: bool);

    /// A record begins.
    fn record(&mut self, input: &[u8], spot: Spot, id: ShapeId, shape: &Shape) -> Form;

    /// A map with these keys begins.
    fn map(&mut self, input: &[u8], spot: Spot, keys: &[&str]) -> Form;

    /// The value of this key of a record begins here; only after `Form::Keyed`.
    fn member(&mut self, input: &[u8], at: usize, key: &str);

    /// A key of a map whose keys are left out: where it starts and where it ends.
    fn omit(&mut self, input: &[u8], spot: Spot, end: usize);
}

/// Walks all of `input`, which must hold exactly one value.
pub(crate) fn walk<S: Sink>(input: &[u8], shapes: &Shapes, sink: &mut S) -> Step {
    let end = walk_one(input, shapes, sink)?;
    if end < input.len() {
        return Err(Refusal::new(Fault::LeftOver(input.len() - end), end));
    }
    Ok(())
}

/// Walks the value at the start of `input` and returns its end.
pub(crate) fn walk_one<S: Sink>(input: &[u8], shapes: &Shapes, sink: &mut S) -> Step<usize> {
    let mut walker = Walker { input, at: 0, shapes, sink };
    walker.value(1)?;
    Ok(walker.at)
}

struct Walker<'a, 's, S> {
    input: &'a [u8],
    at: usize,
    shapes: &'a Shapes,
    sink: &'s mut S,
}

/// Whether all bytes are ASCII. Most strings are short, so the tail is one overlapping word.
#[inline]
pub(crate) fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut all = 0;
    let mut words = bytes.chunks_exact(8);
    for word in words.by_ref() {
        all |= word.try_into().map(u64::from_le_bytes).unwrap_or(HIGH);
    }
    match bytes.last_chunk::<8>() {
        Some(last) => all |= u64::from_le_bytes(*last),
        None => all = words.remainder().iter().fold(0, |all, byte| all | u64::from(*byte)),
    }
    all & HIGH == 0
}

/// Whether a float64 is the one encoding of its number.
#[inline]
pub(crate) fn is_one_double(number: f64) -> bool {
    if number.is_nan() {
        number.to_bits() == token::NAN_BITS
    } else {
        matches!(Value::number(number), Value::Double(_))
    }
}

impl<'a, S: Sink> Walker<'a, '_, S> {
    /// One value; `level` is that of a container here.
    #[inline]
    fn value(&mut self, level: usize) -> Step {
        let Some(&lead) = self.input.get(self.at) else { return Err(self.ends_early()) };
        match lead {
            0x00..=0x7f | 0xe0..=0xff | token::NIL | token::FALSE | token::TRUE => {
                self.at += 1;
                Ok(())
            }
            0xa0..=0xbf => self.string(1, usize::from(lead & 0x1f)),
            token::STR8 => {
                let len = usize::from(self.be::<1>()?[0]);
                self.smallest(len >= 32, lead)?;
                self.string(2, len)
            }
            token::FLOAT64 => self.float64(),
            _ => self.rarer(lead, level),
        }
    }

    fn rarer(&mut self, lead: u8, level: usize) -> Step {
        match lead {
            token::RECORD => self.record(level),
            0x90..=0x9f => self.array(1, usize::from(lead & 0x0f), level),
            0x80..=0x8f => self.map(1, usize::from(lead & 0x0f), level),
            token::FIXEXT8 => self.date(),
            token::EXT8 => self.object_id(),
            token::INT64 => self.skip(9),
            token::UINT8 => self.int(lead, |[byte]: [u8; 1]| byte >= 0x80),
            token::UINT16 => self.int(lead, |be| u16::from_be_bytes(be) > 0xff),
            token::UINT32 => self.int(lead, |be| (0x1_0000..0x8000_0000).contains(&u32::from_be_bytes(be))),
            token::INT8 => self.int(lead, |be| i8::from_be_bytes(be) < -32),
            token::INT16 => self.int(lead, |be| i16::from_be_bytes(be) < -0x80),
            token::INT32 => self.int(lead, |be| i32::from_be_bytes(be) < -0x8000),
            token::BIN8 => {
                let len = usize::from(self.be::<1>()?[0]);
                self.skip(2 + len)
            }
            token::STR16 | token::BIN16 | token::ARRAY16 | token::MAP16 => {
                let len = usize::from(u16::from_be_bytes(self.be()?));
                let least = if matches!(lead, token::STR16 | token::BIN16) { 0x100 } else { 16 };
                self.smallest(len >= least, lead)?;
                self.long(lead, 3, len, level)
            }
            token::STR32 | token::BIN32 | token::ARRAY32 | token::MAP32 => {
                let len = u32::from_be_bytes(self.be()?) as usize;
                self.smallest(len > 0xffff, lead)?;
                self.long(lead, 5, len, level)
            }
            _ => Err(self.refuse(Fault::Token(lead))),
        }
    }

    fn long(&mut self, lead: u8, head: usize, len: usize, level: usize) -> Step {
        match lead {
            token::STR16 | token::STR32 => self.string(head, len),
            token::BIN16 | token::BIN32 => self.skip(head.saturating_add(len)),
            token::ARRAY16 | token::ARRAY32 => self.array(head, len, level),
            _ => self.map(head, len, level),
        }
    }

    #[inline]
    fn string(&mut self, head: usize, len: usize) -> Step {
        let spot = Spot { start: self.at, body: self.at + head };
        let (text, ascii) = self.text(spot.body, len)?;
        self.at = spot.body + len;
        self.sink.string(self.input, spot, text, ascii);
        Ok(())
    }

    #[inline]
    fn text(&self, body: usize, len: usize) -> Step<(&'a [u8], bool)> {
        let text = self.input.get(body..).and_then(|rest| rest.get(..len));
        let Some(text) = text else { return Err(self.ends_early()) };
        let ascii = is_ascii(text);
        if !ascii && std::str::from_utf8(text).is_err() {
            return Err(self.refuse(Fault::NotUtf8));
        }
        Ok((text, ascii))
    }

    fn record(&mut self, level: usize) -> Step {
        let spot = Spot { start: self.at, body: self.at + 3 };
        let id = ShapeId(u16::from_be_bytes(self.be()?));
        self.enter(level)?;
        let shapes = self.shapes;
        let Some(shape) = shapes.get(id) else { return Err(self.refuse(Fault::UnknownShape(id.0))) };
        let form = self.sink.record(self.input, spot, id, shape);
        self.at = spot.body;
        for key in shape.keys() {
            if form == Form::Keyed {
                self.sink.member(self.input, self.at, key);
            }
            if let Err(refusal) = self.value(level + 1) {
                return Err(refusal.inside(key));
            }
        }
        Ok(())
    }

    fn array(&mut self, head: usize, len: usize, level: usize) -> Step {
        self.enter(level)?;
        self.at += head;
        for index in 0..len {
            if let Err(refusal) = self.value(level + 1) {
                return Err(refusal.inside(index));
            }
        }
        Ok(())
    }

    fn map(&mut self, head: usize, len: usize, level: usize) -> Step {
        self.enter(level)?;
        let spot = Spot { start: self.at, body: self.at + head };
        let mut form = Form::Keyed;
        if S::WANTS_KEYS {
            let keys = self.keys_ahead(spot.body, len);
            if let Some(key) = first_repeated(&keys) {
                return Err(self.refuse(Fault::RepeatedKey).inside(key));
            }
            // With keys missing, the walk below ends in a refusal.
            if keys.len() == len {
                form = self.sink.map(self.input, spot, &keys);
            }
        }
        self.at = spot.body;
        let mut met = Keys::new();
        for _ in 0..len {
            let key = self.key(form)?;
            if S::CHECKS_KEYS {
                met.push(key);
            }
            if let Err(refusal) = self.value(level + 1) {
                return Err(refusal.inside(key));
            }
        }
        if let Some(key) = first_repeated(&met) {
            return Err(Refusal::new(Fault::RepeatedKey, spot.start).inside(key));
        }
        Ok(())
    }

    /// The keys of a map whose entries start here, up to the first that is malformed. Skipping the values costs a
    /// second look at them per level; maps come only from callers with more shapes than fit and from filters.
    fn keys_ahead(&self, mut at: usize, len: usize) -> Keys<'a> {
        let mut keys = Keys::new();
        for _ in 0..len {
            let Some((body, key_len)) = self.string_head(at) else { break };
            let key = self.input.get(body..).and_then(|rest| rest.get(..key_len));
            let Some(key) = key.and_then(|key| std::str::from_utf8(key).ok()) else { break };
            keys.push(key);
            at = body + key_len;
            at += value_len(self.input.get(at..).unwrap_or_default(), self.shapes);
        }
        keys
    }

    fn key(&mut self, form: Form) -> Step<&'a str> {
        let Some(&lead) = self.input.get(self.at) else { return Err(self.ends_early()) };
        if !matches!(lead, 0xa0..=0xbf | token::STR8 | token::STR16 | token::STR32) {
            return Err(self.refuse(Fault::KeyNotString));
        }
        let Some((body, len)) = self.string_head(self.at) else { return Err(self.ends_early()) };
        let least = match lead {
            token::STR8 => 32,
            token::STR16 => 0x100,
            token::STR32 => 0x1_0000,
            _ => 0,
        };
        self.smallest(len >= least, lead)?;
        let spot = Spot { start: self.at, body };
        let (text, ascii) = self.text(body, len)?;
        self.at = body + len;
        match form {
            Form::Keyed => self.sink.string(self.input, spot, text, ascii),
            Form::Positional => self.sink.omit(self.input, spot, self.at),
        }
        Ok(std::str::from_utf8(text).unwrap_or_default())
    }

    /// Where the content of the string at `at` starts and how long it is.
    fn string_head(&self, at: usize) -> Option<(usize, usize)> {
        let rest = self.input.get(at + 1..).unwrap_or_default();
        Some(match *self.input.get(at)? {
            lead @ 0xa0..=0xbf => (at + 1, usize::from(lead & 0x1f)),
            token::STR8 => (at + 2, usize::from(*rest.first()?)),
            token::STR16 => (at + 3, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
            token::STR32 => (at + 5, u32::from_be_bytes(*rest.first_chunk()?) as usize),
            _ => return None,
        })
    }

    fn float64(&mut self) -> Step {
        if !is_one_double(f64::from_be_bytes(self.be()?)) {
            return Err(self.refuse(Fault::NotNumber));
        }
        self.at += 9;
        Ok(())
    }

    fn date(&mut self) -> Step {
        let [kind] = self.be()?;
        if kind != token::EXT_DATE {
            return Err(self.refuse(Fault::Extension(kind)));
        }
        let [_, millis @ ..]: [u8; 9] = self.be()?;
        if i64::from_be_bytes(millis).unsigned_abs() > MAX_DATE {
            return Err(self.refuse(Fault::BadDate));
        }
        self.skip(10)
    }

    fn object_id(&mut self) -> Step {
        let [len, kind] = self.be()?;
        if (len, kind) != (12, token::EXT_OBJECT_ID) {
            return Err(self.refuse(Fault::Extension(kind)));
        }
        self.skip(15)
    }

    #[inline]
    fn int<const N: usize>(&mut self, lead: u8, is_smallest: impl Fn([u8; N]) -> bool) -> Step {
        let be = self.be()?;
        self.smallest(is_smallest(be), lead)?;
        self.at += 1 + N;
        Ok(())
    }

    /// The bytes after the lead.
    #[inline]
    fn be<const N: usize>(&self) -> Step<[u8; N]> {
        let rest = self.input.get(self.at + 1..).unwrap_or_default();
        match rest.first_chunk() {
            Some(bytes) => Ok(*bytes),
            None => Err(self.ends_early()),
        }
    }

    #[inline]
    fn skip(&mut self, len: usize) -> Step {
        if self.input.len() - self.at < len {
            return Err(self.ends_early());
        }
        self.at += len;
        Ok(())
    }

    #[inline]
    fn smallest(&self, is: bool, lead: u8) -> Step {
        if is { Ok(()) } else { Err(self.refuse(Fault::NotSmallest(lead))) }
    }

    #[inline]
    fn enter(&self, level: usize) -> Step {
        if level > MAX_DEPTH { Err(self.refuse(Fault::TooDeep)) } else { Ok(()) }
    }

    #[cold]
    fn refuse(&self, fault: Fault) -> Box<Refusal> {
        Refusal::new(fault, self.at)
    }

    #[cold]
    fn ends_early(&self) -> Box<Refusal> {
        self.refuse(Fault::EndsEarly)
    }
}
