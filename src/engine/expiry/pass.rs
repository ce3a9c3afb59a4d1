//! A pass over the TTL indexes. What has expired is found without the commit lock; under it each document is compared with what was
//! found, so that one that was changed meanwhile stays, until a later pass finds that it has expired all the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::engine::commit;
use crate::engine::commit::CurrentDocument;
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::{Key, key_of};
use crate::engine::maintenance::compaction::upkeep;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::slab::{SlotId, Stamp};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::index::{Range, ScanDirection, encode_component};
use crate::query::Filter;
use crate::storage::Lsn;

/// Documents of one commit: other writers wait for it for some hundred microseconds.
pub(super) const DOCUMENTS: usize = 64;
/// Their bytes, approximately.
const BYTES: usize = 256 << 10;

/// How many times as long as a commit has taken the next one waits.
const PAUSE: u32 = 2;
/// A close waits no longer.
const LONGEST: Duration = Duration::from_millis(50);

/// Whether there is a TTL index.
pub(super) fn is_due(store: &Store) -> bool {
    let catalogue = store.views().catalogue();
    catalogue.iter().any(|(_, collection)| collection.is_indexed() && of(collection).next().is_some())
}

/// The TTL indexes of a collection, and after how many seconds documents expire.
fn of(collection: &Collection) -> impl Iterator<Item = (Arc<Index>, u32)> + use<> {
    let all = collection.ready_indexes(Lsn::NEWEST);
    all.filter_map(|index| index.expire_after().map(|seconds| (index, seconds)))
}

/// Deletes what has expired; returns how many documents. Ends early where the database is being closed.
pub(super) fn run(store: &Arc<Store>, runtime: &Handle) -> Result<u64> {
    let mut deleted = 0;
    for (_, collection) in store.views().catalogue().iter() {
        for (index, seconds) in of(collection) {
            deleted += Sweep::new(store, collection, &index, seconds)?.run(|| {
                upkeep(store, runtime);
                // What was deleted is gone for good before more is.
                store.wait_published(store.applied_lsn())
            })?;
        }
    }
    Ok(deleted)
}

/// A document that has expired, as it was found.
struct Expired {
    slot: SlotId,
    stamp: Stamp,
    key: Key,
    document: CurrentDocument,
}

/// The expired documents of one index.
pub(super) struct Sweep<'s> {
    store: &'s Store,
    collection: &'s Arc<Collection>,
    index: &'s Index,
    seconds: u32,
    filter: Filter,
    range: Range,
}

impl<'s> Sweep<'s> {
    /// Of those that have expired by now.
    pub(super) fn new(
        store: &'s Store,
        collection: &'s Arc<Collection>,
        index: &'s Index,
        seconds: u32,
    ) -> Result<Sweep<'s>> {
        let by = store.time().saturating_sub(i64::from(seconds) * 1_000);
        let (filter, range) = expired_by(index, by)?;
        Ok(Sweep { store, collection, index, seconds, filter, range })
    }

    /// Deletes them, commit by commit; calls a function after each.
    pub(super) fn run(&self, mut after_each: impl FnMut() -> Result<()>) -> Result<u64> {
        let (mut deleted, mut after) = (0, None);
        loop {
            let mut slots = Vec::with_capacity(DOCUMENTS);
            after = self.index.page(
                &self.range,
                after.as_deref(),
                ScanDirection::Forward,
                DOCUMENTS,
                |_, slot| slots.push(slot),
            )?;
            slots.sort_unstable();
            slots.dedup();
            let mut rest = &slots[..];
            while !rest.is_empty() {
                if self.store.is_closing() || !self.is_current() {
                    return Ok(deleted);
                }
                let began = self.store.elapsed();
                let (found, passed) = self.find(rest)?;
                rest = rest.get(passed..).unwrap_or_default();
                if !found.is_empty() {
                    deleted += self.delete(&found)?;
                    after_each()?;
                }
                // Others are to have the lock, the processor and the disk more often.
                std::thread::sleep((PAUSE * self.store.elapsed().saturating_sub(began)).min(LONGEST));
            }
            if after.is_none() {
                return Ok(deleted);
            }
        }
    }

    /// Whether documents still expire as they did when this began.
    fn is_current(&self) -> bool {
        self.index.is_kept() && self.index.expire_after() == Some(self.seconds)
    }

    /// The first of these slots' documents that have expired, as many as one commit deletes; and how many slots were looked at.
    fn find(&self, slots: &[SlotId]) -> Result<(Vec<Expired>, usize)> {
        // Files that the slots name stay.
        let _hold = self.store.views().hold();
        let shapes = self.collection.shapes();
        let (mut found, mut bytes, mut ahead) = (Vec::new(), 0, ReadAhead::default());
        for (n, slot) in slots.iter().enumerate() {
            if bytes >= BYTES {
                return Ok((found, n));
            }
            let newest = ahead.newest_in(self.store, self.collection, *slot)?;
            let Some((lsn, document)) = newest else { continue };
            bytes += document.size();
            let raw = document.document(shapes);
            if self.filter.matches(raw) && self.index.partial().is_none_or(|partial| partial.matches(raw)) {
                let missing = || Error::new(Kind::Internal, "a stored document has no _id");
                let key = key_of(raw.get("_id").ok_or_else(missing)?);
                let stamp = Stamp::new(lsn, document.version);
                found.push(Expired { slot: *slot, stamp, key, document });
            }
        }
        Ok((found, slots.len()))
    }

    /// Deletes those that are still as they were found, in one commit.
    fn delete(&self, found: &[Expired]) -> Result<u64> {
        let committed = commit::run_within(self.store, found.len() * 64, &Interrupt::default(), |commit| {
            let is_there = commit.catalogue_now().name_of(self.collection.number()).is_some();
            if !is_there || !self.is_current() {
                return Ok(0);
            }
            let mut deleted = 0;
            for Expired { slot, stamp, key, document } in found {
                if self.collection.slab().newest(*slot, Stamp::of)? == Some(*stamp) {
                    commit.delete(self.collection, key.clone(), document)?;
                    deleted += 1;
                }
            }
            Ok(deleted)
        });
        committed.result
    }
}

/// Matches the documents of an index whose earliest date is not after `by` (ms), and the range of their keys.
fn expired_by(index: &Index, by: i64) -> Result<(Filter, Range)> {
    let field = index.spec().fields.first();
    let field = field.ok_or_else(|| Error::new(Kind::Internal, "an index has no field"))?;
    let plain = |value: &Value| {
        let mut bytes = Vec::new();
        encode_plain(value, &mut bytes);
        bytes
    };
    let key = |date: i64| {
        let (bytes, mut key) = (plain(&Value::Date(date)), Vec::new());
        encode_component(RawValue::new(&bytes, Shapes::none()), field.direction, &mut key);
        key
    };
    // Of an array any element will do, so the earliest decides.
    let not_after = Value::Object(vec![("$lte".to_owned(), Value::Date(by))]);
    let filter = plain(&Value::Object(vec![(field.name.to_string(), not_after)]));
    let filter = Filter::parse(RawValue::new(&filter, Shapes::none()))?;
    let (low, high) = if field.direction.is_descending() { (by, i64::MIN) } else { (i64::MIN, by) };
    Ok((filter, Range { low: key(low), high: key(high) }))
}
