//! The proof of a snapshot, before it replaces anything.
//!
//! The snapshot is read back and compared with what memory says of the state at the cut, by code that is independent of how
//! the documents got into it:
//!
//! ```text
//! the bytes on disk -> their _id, the slot that they were written for, their version -> a sum
//! the commits       -> the same of each document that they left                      -> a sum (`tally`), the same
//! ```
//!
//! This detects a slot that names the bytes of another document or of another version, a duplicate `_id`, and a missing
//! document; the old files then stay as they are. The slots and places of a compaction are read from the trees that its checkpoint has
//! of them (`places`), so these are proven, too; those of a backup, which has none, are asked from the view once more. The proof keeps
//! no state per document and goes through memory in order: looking each key up in the directory would be a cache miss per document.
//!
//! The first proven blocks are kept as they were read, up to [`KEPT_BYTES`], for the slots that will refer to them, so that
//! they need not be read and verified again.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::due::Due;
use super::places::Places;
use super::snapshot::Generation;
use crate::document::{RawValue, ShapeId, encode_plain, shown};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::key_of;
use crate::engine::format::record::{Record, Records};
use crate::engine::read::fetch::Match;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::collection::Collection;
use crate::engine::state::namespace::Shown;
use crate::engine::state::slab::Span;
use crate::engine::state::tally::{KeyHash, Tally};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::storage::{Block, ReadBack, SnapshotProof};

/// Bytes of blocks that a compaction keeps between the proof and the slots; few in tests, which exceed them.
const KEPT_BYTES: usize = if cfg!(test) { 200 << 10 } else { 64 << 20 };

/// Of the memory limit they take at most this share.
const KEPT_SHARE: u64 = 8;

/// The first blocks of documents of a snapshot, in its order.
pub(super) type Kept = VecDeque<Arc<Block>>;

/// What a proof is for, and what stays valid if it fails.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Compaction,
    Backup,
}

/// A snapshot that is being read back.
pub(crate) struct Proof<'a> {
    store: &'a Store,
    purpose: Purpose,
    generation: &'a Generation,
    /// The slots and places that were written, if those are known.
    places: Option<&'a Places>,
    /// The collection whose documents come next, and those.
    next: usize,
    due: Option<Due<'a>>,
    /// The sums of the collections so far.
    found: Vec<Tally>,
    interrupt: &'a Interrupt,
    names: Names,
    kept: Kept,
    /// Bytes that may still be kept.
    room: usize,
}

/// The content of the blocks of collection 0.
#[derive(Default)]
struct Names {
    collections: usize,
    shapes: usize,
    indexes: usize,
    past: usize,
    next_number: Option<u32>,
}

/// What a check found wrong, if it could be made.
type Checked = Result<std::result::Result<(), String>>;

impl<'a> Proof<'a> {
    pub(crate) fn new(
        store: &'a Store,
        purpose: Purpose,
        generation: &'a Generation,
        places: Option<&'a Places>,
        interrupt: &'a Interrupt,
    ) -> Proof<'a> {
        let (found, names) = (vec![Tally::default(); generation.shapes.len()], Names::default());
        // With little memory documents may be on disk, whose slots need no block.
        let room = match purpose {
            Purpose::Compaction if store.has_room() => {
                let limit = store.options().memory_limit.bytes();
                limit.map_or(KEPT_BYTES, |limit| KEPT_BYTES.min((limit / KEPT_SHARE) as usize))
            }
            _ => 0,
        };
        let kept = Kept::new();
        Proof { store, purpose, generation, places, interrupt, next: 0, due: None, found, names, kept, room }
    }

    /// The kept blocks.
    pub(super) fn into_kept(self) -> Kept {
        self.kept
    }

    fn refused(&self, what: &str) -> Error {
        let (who, stays) = match self.purpose {
            Purpose::Compaction => ("the compaction", "the old files stay valid"),
            Purpose::Backup => ("the backup", "no backup was made"),
        };
        let message = format!(
            "{who} found that {what}; {stays}. Close the database and open it again, which reads the files, and please \
             report this"
        );
        Error::new(Kind::Corrupt, message)
    }

    fn database(&mut self, payload: &[u8]) -> Result<(), String> {
        let Generation { view, next_number, shapes, options, .. } = self.generation;
        let known = |number: u32| shapes.iter().find(|(_, collection, _)| collection.number() == number);
        for record in Records::new(payload) {
            let holds = match record.map_err(|_| "a record of the new snapshot is malformed")? {
                Record::Create { collection, name, options: written } => {
                    self.names.collections += 1;
                    let mut all = shapes.iter().zip(options);
                    let found = all.find(|((_, one, _), _)| one.number() == collection);
                    found.is_some_and(|((own, ..), options)| **own == *name && options.encode() == written)
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
                Record::Past { collection, until, name, .. } => {
                    self.names.past += 1;
                    self.generation.past.iter().any(|(number, past)| {
                        *number == collection && past.until.0 == until && *past.name == *name
                    })
                }
                Record::PastShape { collection, .. } => {
                    self.generation.past.iter().any(|(number, _)| *number == collection)
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

    /// The documents that are due in the collection that comes next; `None` after the last.
    fn due(&mut self) -> Result<Option<(&mut Due<'a>, &'a Arc<Collection>)>> {
        let generation = self.generation;
        let Some((_, collection, _)) = generation.shapes.get(self.next) else { return Ok(None) };
        let due = match self.due.take() {
            Some(due) => due,
            None => match self.places {
                Some(places) => Due::Written(places.of_collection(self.next)?),
                None => {
                    let end = generation.ends.get(self.next).copied().unwrap_or_default();
                    Due::seen(collection, generation.lsn(), end)
                }
            },
        };
        Ok(Some((self.due.insert(due), collection)))
    }

    /// Ends the collections before this one, of which nothing may be due any more.
    fn advance_to(&mut self, number: Option<u32>) -> Checked {
        while let Some((due, collection)) = self.due()? {
            if Some(collection.number()) == number {
                return Ok(Ok(()));
            }
            if let Some((slot, ..)) = due.next()? {
                return Ok(Err(format!("the new snapshot lacks the document of slot {}", slot.0)));
            }
            self.due = None;
            self.next += 1;
        }
        Ok(match number {
            None => Ok(()),
            Some(_) => Err("the new snapshot holds more than was written into it".to_owned()),
        })
    }

    fn documents(&mut self, block: &ReadBack<'_>) -> Checked {
        if let Err(what) = self.advance_to(Some(block.collection))? {
            return Ok(Err(what));
        }
        let next = self.next;
        let mut found = self.found[next];
        let place = block.place;
        let short =
            || Ok(Err(format!("the block at {place:?} of the new snapshot does not hold what was written")));
        if block.first_document != found.documents {
            return Ok(Err(format!(
                "the block at {place:?} of the new snapshot is not the one written there"
            )));
        }
        let Some((due, collection)) = self.due()? else { return short() };
        let (number, shapes) = (collection.number(), collection.shapes());
        let mut records = Records::new(block.payload);
        for _ in 0..block.documents {
            let (Some(record), Some((slot, span, placed))) = (records.next(), due.next()?) else {
                return short();
            };
            let Ok(Record::Put(put)) = record else { return short() };
            let own = Span::of_put(&put);
            let holds = match placed {
                Some(placed) => placed.place == place && own == span,
                None => own.is_same_version(span),
            };
            if put.collection != number || !holds {
                return short();
            }
            let document = block.payload.get(put.document.clone()).unwrap_or_default();
            let Some(id) = RawValue::new(document, shapes).get("_id") else {
                return Ok(Err(format!("slot {} names bytes without an _id", slot.0)));
            };
            found.add(KeyHash::of(&key_of(id)), slot, put.version as u32);
        }
        if records.next().is_some() {
            return short();
        }
        self.found[next] = found;
        match self.room.checked_sub(block.payload.len()) {
            Some(room) => {
                self.room = room;
                self.kept.push_back(Arc::new(Block {
                    place,
                    base: 0,
                    bytes: block.payload.into(),
                    transient: false,
                }));
            }
            // The kept blocks are the first.
            None => self.room = 0,
        }
        Ok(Ok(()))
    }

    /// Searches for a document that causes the difference: one that its key does not lead to.
    fn stray(&self, collection: &Collection) -> String {
        let mut stray = String::new();
        let (view, end) = (self.generation.lsn(), collection.slab().end());
        let found = scan::each(
            self.store,
            &Scan {
                collection,
                bounds: (0, end),
                view,
                filter: &Filter::all(),
                interrupt: &Interrupt::default(),
                keeps: false,
                own: None,
            },
            |Match { slot, block, span, .. }| {
                let document = RawValue::new(span.of(block), collection.shapes());
                let Some(id) = document.get("_id") else { return ControlFlow::Break(()) };
                // A later life of the document has a later slot.
                if collection.slot_of(&key_of(id)).ok().flatten().is_none_or(|known| known < slot) {
                    stray = format!("; slot {} holds bytes{}", slot.0, text_of(document));
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            },
        );
        if found.is_err() { String::new() } else { stray }
    }

    fn totals(&self) -> Result<(), String> {
        let Generation { view, next_number, shapes, tallies, .. } = self.generation;
        let ready = |collection: &Collection| {
            collection.indexes().iter().filter(|index| index.is_ready(view.lsn())).count()
        };
        let indexes = shapes.iter().map(|(_, collection, _)| ready(collection)).sum::<usize>();
        let names = &self.names;
        if names.collections != shapes.len()
            || names.shapes != shapes.iter().map(|(.., count)| count).sum::<usize>()
            || names.indexes != indexes
            || names.past != self.generation.past.len()
            || names.next_number != Some(*next_number)
        {
            return Err("the new snapshot lacks names, shapes or indexes of the database".to_owned());
        }
        for ((name, collection, _), (due, found)) in shapes.iter().zip(tallies.iter().zip(&self.found)) {
            let name = Shown(name);
            let (due, found, stray) = match due == found {
                true => continue,
                false => (due.documents, found.documents, self.stray(collection)),
            };
            return Err(match due == found {
                false => format!("'{name}' has {due} documents, of which {found} would be written{stray}"),
                true => format!("the documents of '{name}' are not those that commits left there{stray}"),
            });
        }
        Ok(())
    }
}

/// ", of the _id ..." for a message.
fn text_of(document: RawValue<'_>) -> String {
    let Some(id) = document.get("_id") else { return " without an _id".to_owned() };
    let text: String = shown(&id.to_value()).chars().take(200).collect();
    format!(" of the _id {text}")
}

impl SnapshotProof for Proof<'_> {
    fn block(&mut self, block: &ReadBack<'_>) -> Result<()> {
        if self.store.is_closing() {
            return Err(Error::new(Kind::Closed, "the database was closed before the snapshot was proven"));
        }
        let proven = match block.collection {
            0 => self.database(block.payload),
            _ => self.documents(block)?,
        };
        proven.map_err(|what| self.refused(&what))?;
        self.interrupt.advance(u64::from(block.documents));
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let proven = self.totals().and(self.advance_to(None)?);
        proven.map_err(|what| self.refused(&what))
    }
}
