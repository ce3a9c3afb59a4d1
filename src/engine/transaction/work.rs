//! The snapshot of a transaction, and what it has written over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::errors;
use super::recheck::newest;
use crate::document::{RawValue, changes};
use crate::engine::commit::documents::PackedDocument;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::format::key::Key;
use crate::engine::format::record::{self, Making};
use crate::engine::operation::request::Isolation;
use crate::engine::read::layers::own::{OwnDocument, OwnDocuments};
use crate::engine::read::layers::read_set::ReadSet;
use crate::engine::read::layers::source::{OwnWrites, Source};
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::idle_readers::Ticket;
use crate::engine::state::namespace::{check_name, parts};
use crate::engine::state::rules::Checked;
use crate::engine::state::slab::{Content, SlotId, Span, Version, VisibleVersion};
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::engine::store::transaction_counts::Ended;
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::storage::{Block, BlockPlace, FileId, Lsn};

/// The most bytes that one transaction holds.
const MOST: u64 = 256 << 20;
/// The most bytes that all transactions of a database hold together.
const MOST_OF_ALL: u64 = 512 << 20;
/// Documents of a commit that takes microseconds.
const SMALL: usize = 32;
/// About what a written document takes besides its bytes.
const DOCUMENT_COST: u64 = 320;

/// The number of the next collection that a transaction begins. Numbers from the top are never those of collections: a commit
/// gives it its own.
static BEGUN: AtomicU32 = AtomicU32::new(u32::MAX - 1);

/// The work of a transaction, as long as it is open.
pub(crate) struct Work {
    pub(super) store: Arc<Store>,
    pub(super) view: View,
    /// The time of the snapshot (ms).
    pub(super) now: i64,
    pub(super) own: Arc<OwnWrites>,
    /// What it has read, if it is serializable.
    pub(super) reads: Option<Arc<ReadSet>>,
    /// About how many bytes it holds.
    bytes: u64,
    /// Its number among the open ones.
    number: u64,
    ended: Ended,
    marks: Vec<Mark>,
    last_mark: u64,
    pub(super) origin: Origin,
}

/// The transaction in the log: its session, and its number in that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) session: [u8; 16],
    pub(crate) number: u64,
}

/// A savepoint.
struct Mark {
    number: u64,
    own: Arc<OwnWrites>,
    bytes: u64,
}

/// A document as the transaction sees it.
pub(super) struct Seen {
    /// What there is now.
    pub(super) present: Option<Present>,
    /// The slot of the document of the view with that key.
    pub(super) below: Option<SlotId>,
}

/// A document that there is.
pub(super) struct Present {
    pub(super) version: u64,
    pub(super) created_at: i64,
    pub(super) block: Arc<Block>,
    pub(super) span: Span,
}

impl Present {
    pub(super) fn of(block: Arc<Block>, span: Span) -> Result<Present> {
        let put =
            span.record(&block).ok_or_else(|| Error::new(Kind::Internal, "a slot names no document"))?;
        Ok(Present { version: put.version, created_at: put.created_at, block, span })
    }

    pub(super) fn document<'a>(&'a self, collection: &'a Collection) -> RawValue<'a> {
        RawValue::new(self.span.of(&self.block), collection.shapes())
    }
}

impl Work {
    /// On the newest published state.
    pub(crate) fn begin(store: &Arc<Store>, origin: Origin, isolation: Isolation) -> Work {
        let view = store.view();
        let is_serializable = isolation == Isolation::Serializable;
        let reads = is_serializable.then(|| Arc::new(ReadSet::new(store, view.lsn())));
        let now = store.statement_time();
        Work {
            store: store.clone(),
            view,
            number: store.transactions().begin(store.now()),
            ended: Ended::Aborted,
            now,
            own: Arc::default(),
            reads,
            bytes: 0,
            marks: Vec::new(),
            last_mark: 0,
            origin,
        }
    }

    /// What its reads see.
    pub(crate) fn source(&self) -> Source {
        Source::within(self.view.again(self.now), self.own.clone(), self.reads.clone(), self.now)
    }

    /// What identifies its view.
    pub(super) fn ticket(&self) -> Ticket {
        self.view.ticket()
    }

    /// The time of the snapshot (ms).
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn lsn(&self) -> Lsn {
        self.view.lsn()
    }

    /// The collection of this name.
    pub(crate) fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        let of_view = self.view.catalogue().get(name);
        if of_view.is_none()
            && let Some(reads) = &self.reads
        {
            reads.absent(name);
        }
        of_view.or_else(|| self.own.begun.get(name)).cloned()
    }

    /// Notes that the documents of a collection that a filter matches are read.
    pub(super) fn note_filter(&self, name: &str, filter: &Filter) -> Result<()> {
        match (&self.reads, self.view.catalogue().get(name)) {
            (Some(reads), Some(collection)) => reads.filter(name, collection, filter),
            _ => Ok(()),
        }
    }

    /// Notes that the document with a key was looked for, and where the view has it.
    pub(super) fn note_key(&self, collection: &Collection, key: &Key, found: Option<SlotId>) -> Result<()> {
        let Some(reads) = &self.reads else { return Ok(()) };
        // One that the transaction has begun is not in the view: its name is noted.
        let Some(name) = self.view.catalogue().name_of(collection.number()) else { return Ok(()) };
        let Some(collection) = self.view.catalogue().get(name) else { return Ok(()) };
        reads.key(name, collection, key, found)
    }

    /// What is taken back was written because unique values were free, which nothing else remembers.
    fn note_unique(&self, until: Option<&OwnWrites>) -> Result<()> {
        let Some(reads) = &self.reads else { return Ok(()) };
        for (number, own) in &self.own.documents {
            let stays = until.and_then(|until| until.documents.get(number));
            if own.has_unique()
                && !stays.is_some_and(|stays| Arc::ptr_eq(stays, own))
                && let Some(name) = self.view.catalogue().name_of(*number)
                && let Some(collection) = self.view.catalogue().get(name)
            {
                reads.whole(name, collection)?;
            }
        }
        Ok(())
    }

    /// The namespace of a collection, for messages.
    pub(super) fn namespace(&self, name: &str) -> String {
        self.store.databases().namespace(name)
    }

    /// The collection of this name, begun now if there is none.
    pub(crate) fn collection_or_begin(&mut self, name: &str) -> Result<Arc<Collection>> {
        let collection = self.collection_or_begin_with(name, &Arc::default())?;
        collection.check_stores(name)?;
        Ok(collection)
    }

    /// The collection of this name, begun with these options if there is none.
    pub(crate) fn collection_or_begin_with(
        &mut self,
        name: &str,
        options: &Arc<CollectionOptions>,
    ) -> Result<Arc<Collection>> {
        if let Some(collection) = self.collection(name) {
            if let (Some(reads), Some(of_view)) = (&self.reads, self.view.catalogue().get(name)) {
                reads.collection(name, of_view)?;
            }
            return Ok(collection);
        }
        check_name(name)?;
        self.view.catalogue().check_database(parts(name).0)?;
        if self.store.applied_collection(name).is_some() {
            return Err(self.conflict(name));
        }
        Ok(self.begin_again(name, options))
    }

    /// Begins a collection once more, without indexes.
    pub(super) fn begin_again(&mut self, name: &str, options: &Arc<CollectionOptions>) -> Arc<Collection> {
        let collection = Arc::new(Collection::new(BEGUN.fetch_sub(1, Ordering::Relaxed)));
        collection.set_options(options.clone());
        Arc::make_mut(&mut self.own).begun.insert(name.into(), collection.clone());
        collection
    }

    /// Whether the transaction has begun a collection, and written nothing to it.
    pub(crate) fn is_begun_and_empty(&self, name: &str) -> bool {
        let written = |collection: &Arc<Collection>| self.own.documents.contains_key(&collection.number());
        self.own.begun.get(name).is_some_and(|collection| !written(collection))
    }

    /// What was written to a collection.
    pub(super) fn own(&self, collection: &Collection) -> Option<&Arc<OwnDocuments>> {
        self.own.documents.get(&collection.number())
    }

    /// Whether nothing is to be committed.
    pub(super) fn is_empty(&self) -> bool {
        self.own.begun.is_empty() && self.own.documents.values().all(|own| own.is_empty())
    }

    /// Another writer has changed in a collection what it would write.
    pub(super) fn conflict(&self, name: &str) -> Error {
        self.store.transactions().conflict();
        errors::conflict(name)
    }

    /// Notes how its commit has ended.
    pub(super) fn end(&mut self, outcome: &Result<()>) {
        match outcome {
            Ok(()) => self.ended = Ended::Committed,
            Err(error) if error.details().transient => self.store.transactions().conflict(),
            Err(_) => {}
        }
    }

    /// About how many bytes it holds.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Sets a savepoint; returns its number.
    pub(crate) fn mark(&mut self) -> u64 {
        self.last_mark += 1;
        self.marks.push(Mark { number: self.last_mark, own: self.own.clone(), bytes: self.bytes });
        self.last_mark
    }

    /// Whether there is a savepoint to go back to.
    pub(super) fn has_marks(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Takes back what was written since a savepoint, which stays. Later ones end.
    pub(crate) fn roll_back_to(&mut self, number: u64) -> Result<()> {
        let Some(at) = self.marks.iter().position(|mark| mark.number == number) else {
            let message = "the transaction has no such savepoint: it was set after one that was rolled back to, or belongs to another transaction";
            return Err(Error::new(Kind::BadQuery, message));
        };
        self.note_unique(self.marks.get(at).map(|mark| &*mark.own))?;
        self.marks.truncate(at + 1);
        if let Some(mark) = self.marks.last() {
            self.store.transactions().release(self.bytes.saturating_sub(mark.bytes));
            self.bytes = mark.bytes;
            self.own = mark.own.clone();
        }
        Ok(())
    }

    /// The document with this key.
    pub(super) fn seen(&self, collection: &Collection, key: &Key) -> Result<Seen> {
        if let Some(own) = self.own(collection)
            && let Some(known) = own.key(key)
        {
            let present = own.by_key(key).flatten();
            let present = present.map(|own| Present::of(own.block.clone(), own.span)).transpose()?;
            return Ok(Seen { present, below: known.below });
        }
        let view = self.lsn();
        let found = collection.find(key, || view)?;
        self.note_key(collection, key, found.as_ref().map(|(slot, _)| *slot))?;
        let Some((slot, version)) = found else {
            return Ok(Seen { present: None, below: None });
        };
        let (block, span) = self.read(collection, &version)?;
        Ok(Seen { present: Some(Present::of(block, span)?), below: Some(slot) })
    }

    /// The document with this key, as reads see it.
    pub(crate) fn document(&self, collection: &Collection, key: &Key) -> Result<Option<(Arc<Block>, Span)>> {
        Ok(self.seen(collection, key)?.present.map(|present| (present.block, present.span)))
    }

    /// The document in a slot as a state at this LSN has it, and the commit that made it.
    pub(super) fn in_slot(
        &self,
        collection: &Collection,
        slot: SlotId,
        lsn: Lsn,
    ) -> Result<Option<(Lsn, Arc<Block>, Span)>> {
        let version = collection.slab().seen(
            slot,
            || lsn,
            |seen| match seen {
                VisibleVersion::Version(version) if version.content.is_document() => Some(version.clone()),
                _ => None,
            },
        )?;
        let Some(version) = version else { return Ok(None) };
        let (block, span) = self.read(collection, &version)?;
        Ok(Some((version.lsn, block, span)))
    }

    /// Reads a version that the view sees, or a newer one.
    fn read(&self, collection: &Collection, version: &Version) -> Result<(Arc<Block>, Span)> {
        match (&version.content, version.on_disk()) {
            (Content::Hot(block, span), _) => Ok((block.clone(), *span)),
            // The view keeps the file.
            (_, Some(disk)) => {
                let block = self.store.read_version(collection, &disk)?;
                let block = disk.span().alone(&block).map_or(block, Arc::new);
                Ok((block, disk.span()))
            }
            _ => Err(Error::new(Kind::Internal, "a version without a document was read")),
        }
    }

    /// Writes a document in place of what was seen; returns its version. Nothing is written when it is refused.
    pub(super) fn put(
        &mut self,
        name: &str,
        collection: &Arc<Collection>,
        key: &Key,
        seen: &Seen,
        packed: &PackedDocument,
    ) -> Result<u64> {
        self.check_newest(name, collection, key, seen)?;
        let document = RawValue::new(packed.bytes(), collection.shapes());
        let checked = self.checked(name, collection, seen, packed)?;
        let keys = self.keys_of(name, collection, key, seen, document)?;
        let (version, created_at) = match &seen.present {
            Some(present) => (present.version.saturating_add(1), present.created_at),
            None => (1, self.store.time()),
        };
        let now = self.store.time().max(created_at);
        let mut bytes = Vec::with_capacity(packed.len() + 64);
        record::begin(&mut bytes, now);
        let mut paths = Vec::new();
        let making = self.making(collection, key, packed, &mut paths);
        let metadata = (collection.number(), version, created_at);
        let (range, head) = record::write(&mut bytes, now, metadata, making, packed.bytes(), &[]);
        let place = BlockPlace {
            file: FileId::Memory,
            frame: 0,
            offset: 0,
            len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        let block = Block { place, base: 0, bytes: bytes.into_boxed_slice(), transient: false };
        // From here on it is written: an operation that is refused has changed nothing, and holds nothing.
        would_block(|| false)?;
        self.hold(block.bytes.len() as u64 + keys.bytes())?;
        let document = OwnDocument {
            key: key.clone(),
            block: Arc::new(block),
            span: Span::new(range, head, version),
            keys: Arc::new(keys),
            checked,
        };
        self.own_of(collection).put(document, seen.below);
        Ok(version)
    }

    /// Refuses a document that is not valid by the newest rules; returns by which rules it has been checked.
    fn checked(
        &self,
        name: &str,
        collection: &Collection,
        seen: &Seen,
        packed: &PackedDocument,
    ) -> Result<Checked> {
        let Some(rules) = collection.rules() else { return Ok(packed.checks().clone()) };
        if packed.checks().is_by(&rules) {
            return Ok(packed.checks().clone());
        }
        let document = RawValue::new(packed.bytes(), collection.shapes());
        let before = seen.present.as_ref().map(|present| present.document(collection));
        rules.check(name, document, before, &self.store.work(&Interrupt::default()))?;
        Ok(Checked::By(rules))
    }

    /// How a document will have become what it is when the transaction is committed: updates of a document are one.
    fn making<'m>(
        &self,
        collection: &Collection,
        key: &Key,
        packed: &'m PackedDocument,
        paths: &'m mut Vec<u8>,
    ) -> Making<'m> {
        let (own, later) = (self.own(collection).and_then(|own| own.by_key(key)?), packed.making());
        let (Some(own), Making::Updated(later)) = (own, later) else { return later };
        match own.changes() {
            Some(earlier) => {
                let after = RawValue::new(packed.bytes(), collection.shapes());
                match changes::join((earlier, own.raw(collection)), (later, after), paths) {
                    Some(()) => Making::Updated(paths),
                    None => Making::Replaced,
                }
            }
            None => Making::Replaced,
        }
    }

    /// Deletes the document that was seen.
    pub(super) fn delete(
        &mut self,
        name: &str,
        collection: &Collection,
        key: &Key,
        seen: &Seen,
    ) -> Result<()> {
        self.check_newest(name, collection, key, seen)?;
        would_block(|| false)?;
        self.hold(0)?;
        self.own_of(collection).delete(key, seen.below);
        Ok(())
    }

    /// Whether no other writer has changed the document since the snapshot. A key that is written already was checked then, and
    /// is checked by the commit.
    fn check_newest(&self, name: &str, collection: &Collection, key: &Key, seen: &Seen) -> Result<()> {
        if self.own(collection).is_some_and(|own| own.key(key).is_some()) {
            return Ok(());
        }
        match newest::is_newest(collection, key, seen.below, self.lsn())? {
            true => Ok(()),
            false => Err(self.conflict(name)),
        }
    }

    fn own_of(&mut self, collection: &Collection) -> &mut OwnDocuments {
        let own = Arc::make_mut(&mut self.own);
        Arc::make_mut(own.documents.entry(collection.number()).or_default())
    }

    /// Whether it has written so few documents that a commit of them takes microseconds.
    pub(super) fn is_small(&self) -> bool {
        self.own.begun.is_empty()
            && self.own.documents.values().map(|own| own.keys().len()).sum::<usize>() <= SMALL
    }

    fn hold(&mut self, bytes: u64) -> Result<()> {
        let bytes = bytes + DOCUMENT_COST;
        if self.bytes + bytes > MOST {
            return Err(errors::too_large("the transaction would hold", MOST >> 20));
        }
        if !self.store.transactions().hold(bytes, MOST_OF_ALL) {
            return Err(errors::too_large("all transactions together would hold", MOST_OF_ALL >> 20));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.store.views().readers().remove(self.view.ticket());
        self.store.transactions().end(self.number, self.bytes, self.ended);
    }
}

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
