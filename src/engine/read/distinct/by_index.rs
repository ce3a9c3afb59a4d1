//! The distinct values of a field from the keys of its index: the entries of a key are passed over once a document with it is
//! known, so that few values in many documents cost few reads.
//!
//! The values are read from documents, as keys do not tell `1` from `1n`. Of each key the slots are collected up to the first whose
//! document has one version, which the view sees with that key; before it there may be documents that have the key in other
//! views only. The first document with a value in natural order is among them, so that the answer, and its order, are those of a scan.

use super::found::Distinct;
use crate::document::kind::Class;
use crate::document::{Collation, Path, RawValue, Value};
use crate::engine::exec::nonblocking::would_block;
use crate::engine::plan::planner::Access;
use crate::engine::read::fetch::{ENTRIES, Examined, Last, ReadContext, examine};
use crate::engine::state::index::Index;
use crate::error::Result;
use crate::index::key::class_tag;
use crate::index::{Range, ScanDirection};

/// Where more than one in so many documents would have to be looked at, a scan is faster.
const MOST: u64 = 16;
/// Documents that are looked at in any case.
const LEAST: u64 = 64;
/// Documents that are looked at on a thread that must not block.
const FEW: usize = 128;

/// The distinct values; `None` where there are so many that a scan is faster.
pub(super) fn values(
    reading: &ReadContext<'_>,
    access: &Access<Index>,
    (path, collation): (&Path, &Collation),
    examined: &mut Examined,
) -> Result<Option<Vec<Value>>> {
    if reading.own.is_some() {
        return Ok(None);
    }
    let most = LEAST + reading.collection.count() / MOST;
    let mut slots = Vec::new();
    for range in &access.ranges.list {
        if !collect(reading, &access.index, range.clone(), most, &mut slots, examined)? {
            return Ok(None);
        }
        would_block(|| slots.len() > FEW)?;
    }
    access.index.count_use();
    slots.sort_unstable();
    slots.dedup();
    let shapes = reading.collection.shapes();
    let mut found = Distinct::under(collation);
    let mut last = Last::of_entries();
    for some in slots.chunks(ENTRIES) {
        reading.interrupt.check(|| reading.store.now())?;
        let (_, flow) = examine(reading, some, &mut last, examined, &mut |_, _, _| true, &mut |one| {
            found.add_all(path, RawValue::new(one.span.of(one.block), shapes));
            found.flow()
        })?;
        if flow.is_break() {
            break;
        }
    }
    found.into_values(path).map(Some)
}

/// Collects the slots of a range; false where they are more than `most`.
fn collect(
    reading: &ReadContext<'_>,
    index: &Index,
    mut range: Range,
    most: u64,
    slots: &mut Vec<u64>,
    examined: &mut Examined,
) -> Result<bool> {
    let slab = reading.collection.slab();
    let direction = index.spec().fields.first().map_or(0, |field| field.direction.mask());
    let null = class_tag(Class::Null) ^ direction;
    // Of the key that was read last, and whether the rest of its entries may be passed over.
    let (mut key, mut known): (Vec<u8>, bool) = (Vec::new(), false);
    let (mut after, mut size) = (None::<Vec<u8>>, 2);
    loop {
        let (mut read, mut keys) = (0, 0);
        after = index.page(&range, after.as_deref(), ScanDirection::Forward, size, |own, slot| {
            read += 1;
            if own != key {
                keys += 1;
                key.clear();
                key.extend_from_slice(own);
                known = false;
            }
            if !known {
                slots.push(slot.0);
                // Documents without the field have the key of null as well.
                known = own.first() != Some(&null) && slab.sees_all(slot, reading.view);
            }
        })?;
        examined.keys += read;
        if slots.len() as u64 > most {
            return Ok(false);
        }
        if after.is_none() {
            return Ok(true);
        }
        reading.interrupt.check(|| reading.store.now())?;
        would_block(|| slots.len() > FEW)?;
        size =
            if keys * 2 > read || !known || read == 0 { (2 * size).min(ENTRIES) } else { (size / 2).max(2) };
        if known && read > 0 {
            // A byte after a key is never this one.
            range.low.clear();
            range.low.extend_from_slice(&key);
            range.low.push(0xff);
            after = None;
        }
    }
}
