//! Sorted documents, in memory or on disk.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::engine::read::fetch::Found;
use crate::engine::state::slab::{SlotId, Span};
use crate::error::Result;
use crate::query::SortKey;
use crate::query::spill::bytes::{Reading, put_bytes, put_u64};
use crate::query::spill::runs::{Form, Merged};
use crate::storage::{Block, BlockPlace, FileId, Lsn};
use crate::work::Hold;

/// The approximate memory of a document's references besides its key.
const REFERENCES: usize = 64;

/// A document and its position.
pub(crate) struct Ranked {
    pub(crate) key: SortKey,
    pub(crate) found: Found,
    /// Bytes of a document that was read from disk.
    owned: u32,
}

impl Ranked {
    /// A document with its key. A block that was read for this sort is not kept for one of its documents.
    pub(super) fn of(key: SortKey, mut found: Found) -> Ranked {
        let mut owned = 0;
        if found.block.transient {
            if let Some(alone) = found.span.alone(&found.block) {
                found.block = Arc::new(alone);
            }
            owned = found.block.bytes.len() as u32;
        }
        Ranked { key, found, owned }
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        REFERENCES + self.key.size() + self.owned as usize
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    /// Equal keys keep the natural order.
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key).then_with(|| self.found.slot.cmp(&other.found.slot))
    }
}

/// How they are written to disk: key, slot, commit, and the document with the place that it was read from.
pub(super) struct RankedForm;

impl Form for RankedForm {
    type Item = Ranked;

    fn compare(&self, a: &Ranked, b: &Ranked) -> Ordering {
        a.cmp(b)
    }

    fn write(&mut self, item: &Ranked, out: &mut Vec<u8>) {
        let Found { slot, lsn, block, span } = &item.found;
        item.key.write(out);
        put_u64(slot.0, out);
        put_u64(lsn.0, out);
        span.to_parts().iter().for_each(|part| put_u64(u64::from(*part), out));
        let alone = span.alone(block);
        let block = alone.as_ref().unwrap_or(block);
        let (file, number) = match block.place.file {
            FileId::Segment(number) => (0, number),
            FileId::Snapshot(number) => (1, number),
            FileId::Memory => (2, 0),
        };
        out.push(file);
        put_u64(number, out);
        put_u64(block.place.frame, out);
        put_u64(block.place.offset, out);
        put_u64(u64::from(block.place.len), out);
        put_u64(u64::from(block.base), out);
        put_bytes(&block.bytes, out);
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Ranked> {
        let mut reading = Reading::of(bytes);
        let key = SortKey::read(&mut reading)?;
        let (slot, lsn) = (SlotId(reading.u64()?), Lsn(reading.u64()?));
        let span = Span::of_parts([reading.u64()? as u32, reading.u64()? as u32, reading.u64()? as u32]);
        let (file, number) = (reading.byte()?, reading.u64()?);
        let file = match file {
            0 => FileId::Segment(number),
            1 => FileId::Snapshot(number),
            _ => FileId::Memory,
        };
        let place =
            BlockPlace { file, frame: reading.u64()?, offset: reading.u64()?, len: reading.u64()? as u32 };
        let base = reading.u64()? as u32;
        let bytes: Box<[u8]> = reading.bytes()?.into();
        let owned = bytes.len() as u32;
        let block = Arc::new(Block { place, base, bytes, transient: false });
        Ok(Ranked { key, found: Found { slot, lsn, block, span }, owned })
    }
}

/// Documents in order, taken one by one.
pub(crate) struct SortedDocuments {
    source: Source,
    /// Of those in memory, while there are any.
    hold: Option<Hold>,
}

enum Source {
    InMemory(std::vec::IntoIter<Found>),
    OnDisk(Box<Merged<RankedForm>>),
}

impl SortedDocuments {
    pub(super) fn in_memory(found: Vec<Found>, mut hold: Hold) -> SortedDocuments {
        hold.settle();
        SortedDocuments { source: Source::InMemory(found.into_iter()), hold: Some(hold) }
    }

    pub(super) fn on_disk(merged: Merged<RankedForm>) -> Result<SortedDocuments> {
        Ok(SortedDocuments { source: Source::OnDisk(Box::new(merged)), hold: None })
    }

    /// The next document.
    pub(crate) fn next(&mut self) -> Result<Option<Found>> {
        let next = match &mut self.source {
            Source::InMemory(found) => found.next(),
            Source::OnDisk(merged) => merged.next()?.map(|ranked| ranked.found),
        };
        if next.is_none() {
            self.hold = None;
        }
        Ok(next)
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        match &self.source {
            Source::InMemory(found) => found.as_slice().is_empty(),
            Source::OnDisk(merged) => merged.is_done(),
        }
    }

    /// How many are left.
    pub(crate) fn len(&self) -> u64 {
        match &self.source {
            Source::InMemory(found) => found.len() as u64,
            Source::OnDisk(merged) => merged.len(),
        }
    }
}
