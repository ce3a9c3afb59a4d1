//! The proof of a snapshot, before it takes the place of anything.
//!
//! What was written is read back and held against what memory says of the state at the cut, by other ways than the one by
//! which the documents came into it:
//!
//! ```text
//! the bytes on disk -> their _id -> the directory -> a slot   must be the slot that they were written for
//! the slot at the cut                                         must hold this version; in memory, with these bytes
//! the documents counted by commits                            must be as many as were written
//! ```
//!
//! Slots come in order and each once, so an `_id` that stood twice would lead to a slot it was not written for. A slot that
//! names the bytes of another document, or of another version, is found here, and the files of before stay as they are.
//! Nothing is kept for a document.

use super::collection::Collection;
use super::compact::{Generation, Written};
use super::ejson;
use super::key::key_of;
use super::record::{Put, Record, Records};
use super::slab::{Content, SlotId, Span};
use super::store::Store;
use crate::document::{RawValue, ShapeId, encode_plain};
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, SnapshotBlock, SnapshotProof};

/// Who asks for a proof, and what stays when there is none.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Compaction,
    Backup,
}

/// A snapshot that is being read back.
pub(super) struct Proof<'a> {
    store: &'a Store,
    purpose: Purpose,
    generation: &'a Generation,
    /// What was written, a collection after the other, in the order of the generation.
    written: &'a [Written],
    /// The collection and the block of it that come next.
    next: (usize, usize),
    /// Documents of the collections so far.
    documents: Vec<u64>,
    names: Names,
}

/// What the blocks of collection 0 named.
#[derive(Default)]
struct Names {
    collections: usize,
    shapes: usize,
    indexes: usize,
    next_number: Option<u32>,
}

impl<'a> Proof<'a> {
    pub(super) fn new(
        store: &'a Store,
        purpose: Purpose,
        generation: &'a Generation,
        written: &'a [Written],
    ) -> Proof<'a> {
        let (documents, names) = (vec![0; written.len()], Names::default());
        Proof { store, purpose, generation, written, next: (0, 0), documents, names }
    }

    fn refuse(&self, what: &str) -> Error {
        let (who, stays) = match self.purpose {
            Purpose::Compaction => ("the compaction", "the old files stay in force"),
            Purpose::Backup => ("the backup", "no backup was made"),
        };
        let message = format!(
            "{who} found that {what}; {stays}. Close the database and open it again, which reads the files, and please \
             report this"
        );
        Error::new(Kind::Corrupt, message)
    }

    fn database(&mut self, block: &Block) -> Result<(), String> {
        let Generation { view, next_number, shapes, .. } = self.generation;
        let known = |number: u32| shapes.iter().find(|(_, collection, _)| collection.number() == number);
        for record in Records::new(&block.bytes) {
            let holds = match record.map_err(|_| "a record of the new snapshot is malformed")? {
                Record::Create { collection, name, .. } => {
                    self.names.collections += 1;
                    known(collection).is_some_and(|(own, ..)| **own == *name)
                }
                Record::Shape { collection, shape, keys } => {
                    self.names.shapes += 1;
                    known(collection).is_some_and(|(_, collection, count)| {
                        let own = collection.shapes().get(ShapeId(shape));
                        usize::from(shape) < *count
                            && own.is_some_and(|own| own.keys().iter().map(|key| &**key).eq(keys))
                    })
                }
                Record::Index { collection, spec } => {
                    self.names.indexes += 1;
                    known(collection).is_some_and(|(_, collection, _)| {
                        let indexes = collection.indexes();
                        let mut ready = indexes.iter().filter(|index| index.is_ready(view.lsn()));
                        ready.any(|index| {
                            let mut own = Vec::new();
                            encode_plain(&index.spec().to_value(), &mut own);
                            own == spec
                        })
                    })
                }
                Record::Next { collection } => {
                    self.names.next_number = Some(collection);
                    collection == *next_number
                }
                _ => false,
            };
            if !holds {
                return Err("the new snapshot names what the database does not have".to_owned());
            }
        }
        Ok(())
    }

    fn documents(&mut self, snapshot: &SnapshotBlock) -> Result<(), String> {
        while self.written.get(self.next.0).is_some_and(|one| one.blocks.len() == self.next.1) {
            self.next = (self.next.0 + 1, 0);
        }
        let due = self.written.get(self.next.0).and_then(|one| Some((one, one.blocks.get(self.next.1)?)));
        let Some((Written { collection, .. }, (place, slots))) = due else {
            return Err("the new snapshot holds more than was written into it".to_owned());
        };
        let block = &snapshot.block;
        if snapshot.collection != collection.number()
            || block.place != *place
            || snapshot.documents as usize != slots.len()
            || snapshot.first_document != self.documents[self.next.0]
        {
            return Err(format!("the block at {place:?} of the new snapshot is not the one written there"));
        }
        let mut slots = slots.iter();
        for record in Records::new(&block.bytes) {
            let (Ok(Record::Put(put)), Some(slot)) = (record, slots.next()) else {
                return Err(format!(
                    "the block at {place:?} of the new snapshot does not hold what was written"
                ));
            };
            self.document(collection, *slot, &put, block)?;
        }
        if slots.next().is_some() {
            return Err(format!("the block at {place:?} of the new snapshot holds too few documents"));
        }
        self.documents[self.next.0] += u64::from(snapshot.documents);
        self.next.1 += 1;
        Ok(())
    }

    fn document(
        &self,
        collection: &Collection,
        slot: SlotId,
        put: &Put,
        block: &Block,
    ) -> Result<(), String> {
        let span = Span::of_put(put);
        let bytes = span.of(block);
        let Some(id) = RawValue::new(bytes, collection.shapes()).get("_id") else {
            return Err(format!("slot {} names bytes without an _id", slot.0));
        };
        let held = collection.look_up(&key_of(id), self.generation.lsn(), |own, version| {
            if own != slot {
                return Some("is written for the slot of another document");
            }
            match &version.content {
                Content::Hot(_, own) | Content::Cold(_, own) if !own.is_same_version(span) => {
                    Some("is written in another version than the newest")
                }
                Content::Hot(block, own) if own.of(block) != bytes => Some("has other bytes than in memory"),
                _ => None,
            }
        });
        let what = match held {
            Some(None) if put.collection == collection.number() => return Ok(()),
            Some(None) => "is written into another collection",
            Some(Some(what)) => what,
            None => "is written and does not exist",
        };
        let mut text = Vec::new();
        ejson::write(id, &mut text);
        text.truncate(200);
        let name = self.name(collection);
        Err(format!("the document with the _id {} of '{name}' {what}", String::from_utf8_lossy(&text)))
    }

    fn name(&self, collection: &Collection) -> &str {
        let mut all = self.generation.shapes.iter();
        all.find(|(_, own, _)| own.number() == collection.number()).map_or("", |(name, ..)| name)
    }

    fn totals(&self) -> Result<(), String> {
        let Generation { view, next_number, shapes, counts } = self.generation;
        let ready = |collection: &Collection| {
            collection.indexes().iter().filter(|index| index.is_ready(view.lsn())).count()
        };
        let indexes = shapes.iter().map(|(_, collection, _)| ready(collection)).sum::<usize>();
        let names = &self.names;
        if names.collections != shapes.len()
            || names.shapes != shapes.iter().map(|(.., count)| count).sum::<usize>()
            || names.indexes != indexes
            || names.next_number != Some(*next_number)
        {
            return Err("the new snapshot lacks names, shapes or indexes of the database".to_owned());
        }
        for ((name, ..), (count, written)) in shapes.iter().zip(counts.iter().zip(&self.documents)) {
            if count != written {
                return Err(format!("'{name}' has {count} documents, of which {written} would be written"));
            }
        }
        Ok(())
    }
}

impl SnapshotProof for Proof<'_> {
    fn block(&mut self, snapshot: &SnapshotBlock) -> Result<()> {
        if self.store.is_closing() {
            return Err(Error::new(Kind::Closed, "the database was closed before the snapshot was proven"));
        }
        let proven = match snapshot.collection {
            0 => self.database(&snapshot.block),
            _ => self.documents(snapshot),
        };
        proven.map_err(|what| self.refuse(&what))
    }

    fn end(&mut self) -> Result<()> {
        self.totals().map_err(|what| self.refuse(&what))
    }
}
