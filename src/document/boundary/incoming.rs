//! From a message of JavaScript to the stored form: one strict pass that validates and translates.
//!
//! Tokens are the same on both sides except for shape numbers, so the translation copies runs of bytes and rewrites
//! only the heads of objects. A refused value leaves nothing behind.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::document::MAX_DOCUMENT;
use crate::document::check::fault::small_enough;
use crate::document::check::walk::{Form, Sink, Spot, walk};
use crate::document::encoding::encode::{write_map_head, write_record_head, write_string};
use crate::document::encoding::raw::RawValue;
use crate::document::shapes::shape::{MAX_SHAPES, Shape, ShapeId, Shapes};
use crate::document::shapes::staged::StagedShapes;
use crate::error::Result;

pub use crate::document::check::strict::check;

/// Appends the stored form of an untrusted value, which is to be all of `input`. Records of the caller's shapes
/// and maps become records of the collection's.
///
/// Refuses with `BAD_DOCUMENT`, naming the dotted path: tokens that are not canonical, unknown extensions, text that
/// is not UTF-8, undefined shapes, duplicate keys, nesting deeper than `MAX_DEPTH`, more than `MAX_DOCUMENT` bytes
/// stored, and bytes after the value. Then `shapes` and `out` are as they were.
pub fn store(input: RawValue<'_>, shapes: &mut StagedShapes<'_>, out: &mut Vec<u8>) -> Result<()> {
    run(input, None, shapes, out)
}

/// [`store`] with a cache of the shape numbers that earlier calls translated between the same two tables.
pub fn store_with(
    input: RawValue<'_>,
    known: &Translation,
    shapes: &mut StagedShapes<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let fits = known.source == input.shapes().serial() && known.target == shapes.table().serial();
    run(input, fits.then_some(known), shapes, out)
}

/// Validates a document as [`store`] does; what is larger than its stored form may be is translated to find out.
pub fn check_document(input: RawValue<'_>) -> Result<()> {
    if input.unread().len() <= MAX_DOCUMENT {
        return check(input.unread(), input.shapes());
    }
    store(input, &mut StagedShapes::new(Shapes::none()), &mut Vec::new())
}

fn run(
    input: RawValue<'_>,
    known: Option<&Translation>,
    shapes: &mut StagedShapes<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let (start, staged) = (out.len(), shapes.staged().len());
    let bytes = input.unread();
    out.reserve(bytes.len().min(MAX_DOCUMENT));
    let most = start.saturating_add(MAX_DOCUMENT);
    let mut sink = Stored { shapes, known, out, copied: 0, most };
    // The limit is on what is stored: maps that become records leave their keys behind.
    let outcome = walk(bytes, input.shapes(), &mut sink).and_then(|()| {
        sink.copy(bytes, bytes.len());
        small_enough(sink.out.len() - start)
    });
    outcome.map_err(|refusal| {
        out.truncate(start);
        shapes.truncate(staged);
        refusal.bad_document()
    })
}

/// A cache: which shape of a collection equals which shape of a caller, so that a known shape is not looked up by its
/// keys again. The caller keeps one per pair of tables and may share it, because numbers never change their meaning.
pub struct Translation {
    source: u64,
    target: u64,
    numbers: Box<[AtomicU16]>,
}

const UNKNOWN: u16 = u16::MAX;

impl Translation {
    /// An empty cache, from this table of a caller to this table of a collection.
    pub fn new(source: &Shapes, target: &Shapes) -> Translation {
        let numbers = (0..MAX_SHAPES).map(|_| AtomicU16::new(UNKNOWN)).collect();
        Translation { source: source.serial(), target: target.serial(), numbers }
    }

    /// Whether it translates the numbers of this table of a caller.
    pub fn is_from(&self, source: &Shapes) -> bool {
        self.source == source.serial()
    }

    #[inline]
    fn get(&self, id: ShapeId) -> Option<ShapeId> {
        // Acquire pairs with the Release below: a thread that reads a number also sees its shape in the table.
        let number = self.numbers.get(usize::from(id.0))?.load(Ordering::Acquire);
        (number != UNKNOWN).then_some(ShapeId(number))
    }

    fn set(&self, id: ShapeId, number: ShapeId) {
        if let Some(slot) = self.numbers.get(usize::from(id.0)) {
            slot.store(number.0, Ordering::Release);
        }
    }
}

/// Writes the stored form.
struct Stored<'s, 't, 'o> {
    shapes: &'s mut StagedShapes<'t>,
    known: Option<&'o Translation>,
    out: &'o mut Vec<u8>,
    /// The end of the input that was copied.
    copied: usize,
    /// The largest allowed length of the output: no key is written beyond it, since many objects may share one shape
    /// of long keys.
    most: usize,
}

impl Stored<'_, '_, '_> {
    #[inline]
    fn copy(&mut self, input: &[u8], end: usize) {
        self.out.extend_from_slice(input.get(self.copied..end).unwrap_or_default());
        self.copied = end;
    }

    #[inline]
    fn number(&mut self, id: ShapeId, shape: &Shape) -> Option<ShapeId> {
        if let Some(number) = self.known.and_then(|known| known.get(id))
            && self.shapes.is_settled(number)
        {
            return Some(number);
        }
        let number = self.shapes.number(shape.keys())?;
        if let Some(known) = self.known
            && self.shapes.is_settled(number)
        {
            known.set(id, number);
        }
        Some(number)
    }
}

impl Sink for Stored<'_, '_, '_> {
    const WANTS_KEYS: bool = true;

    #[inline]
    fn string(&mut self, _: &[u8], _: Spot, _: &[u8], _: bool) {}

    #[inline]
    fn record(&mut self, input: &[u8], spot: Spot, id: ShapeId, shape: &Shape) -> Form {
        self.copy(input, spot.start);
        self.copied = spot.body;
        match self.number(id, shape) {
            Some(number) => {
                write_record_head(number, self.out);
                Form::Positional
            }
            None => {
                write_map_head(shape.len(), self.out);
                Form::Keyed
            }
        }
    }

    fn map(&mut self, input: &[u8], spot: Spot, keys: &[&str]) -> Form {
        let Some(number) = self.shapes.number(keys) else { return Form::Keyed };
        self.copy(input, spot.start);
        self.copied = spot.body;
        write_record_head(number, self.out);
        Form::Positional
    }

    fn member(&mut self, input: &[u8], at: usize, key: &str) {
        self.copy(input, at);
        if self.out.len() <= self.most {
            write_string(key, self.out);
        }
    }

    fn omit(&mut self, input: &[u8], spot: Spot, end: usize) {
        self.copy(input, spot.start);
        self.copied = end;
    }
}
