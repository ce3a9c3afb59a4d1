//! A live query. Each step looks at the newest state: the documents that commits have changed since the step before are looked up in it, and
//! enter, change or leave the result. Where that does not tell the result, the query is run again: after a collection was dropped, renamed or
//! made, after very many changes, with expressions that depend on time or chance, and where too few documents beyond a limit are left.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::window::{Candidate, Life, Window};
use crate::document::RawValue;
use crate::engine::changes::commits::{self, Reader};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::{Key, key_of};
use crate::engine::format::record::{Record, Records};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::FindOptions;
use crate::engine::operation::response::Document;
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Query};
use crate::engine::read::fetch::{Match, ReadContext};
use crate::engine::read::find::Asked;
use crate::engine::read::point;
use crate::engine::read::results::QueryResults;
use crate::engine::state::collection::Collection;
use crate::engine::state::feed::{Subject, Wake};
use crate::engine::state::slab::{SlotId, Span};
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::query::expression::Constants;
use crate::query::{Filter, Projection, Sort};
use crate::storage::{Block, Lsn};

/// Bytes of commits that are read at a time.
const READ: usize = 1 << 20;
/// Commits since the step before, beyond which the query is run again.
const COMMITS: u64 = 10_000;
/// Documents that may have changed, at least, before it is run again.
const CHANGES: usize = 1_000;
/// What makes the value of an expression another at each evaluation.
const UNSTEADY: [&[u8]; 4] = [b"$$NOW", b"$$CLUSTER_TIME", b"$rand", b"$sampleRate"];

/// The result at a state of the database.
pub(crate) struct Step {
    pub(crate) lsn: Lsn,
    /// The numbers of all documents of the result, in order.
    pub(crate) order: Vec<u64>,
    /// Those that are new or other than before.
    pub(crate) documents: Vec<(u64, Document)>,
    /// The collection of these documents.
    pub(crate) collection: Option<Arc<Collection>>,
}

/// A live query.
pub(crate) struct Live {
    store: Arc<Store>,
    name: String,
    /// As it was asked for: parsed again where the collection becomes one with another collation.
    given: Box<(Incoming, FindOptions, Constants)>,
    filter: Filter,
    sort: Option<Sort>,
    projection: Option<Box<Projection>>,
    hint: Option<Hint>,
    is_unsteady: bool,
    window: Window,
    /// The collection of the last step.
    collection: Option<Arc<Collection>>,
    /// The state of the last step.
    lsn: Option<Lsn>,
    /// The result of the last step: numbers in order, and what was told of each.
    order: Vec<u64>,
    told: HashMap<u64, Life, foldhash::fast::RandomState>,
    reader: Reader,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.store.feed().unwatch();
    }
}

impl Live {
    pub(crate) fn open(
        store: &Arc<Store>,
        name: &str,
        filter_given: &Incoming,
        options: &FindOptions,
        constants: &Constants,
    ) -> Result<Live> {
        let bytes = filter_given.bytes();
        let is_unsteady = UNSTEADY.iter().any(|name| memchr::memmem::find(bytes, name).is_some());
        let Asked { filter, sort, projection, hint } = Asked::parse(filter_given, options, constants)?;
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let limit = (options.limit > 0).then(|| count(options.limit));
        // Last: what was opened is closed when this is dropped.
        store.feed().watch(|| store.views().published());
        Ok(Live {
            store: store.clone(),
            name: name.to_owned(),
            given: Box::new((filter_given.clone(), options.clone(), constants.clone())),
            filter,
            sort,
            projection: projection.map(Box::new),
            hint,
            is_unsteady,
            window: Window::new(count(options.skip), limit),
            collection: None,
            lsn: None,
            order: Vec::new(),
            told: HashMap::default(),
            reader: Reader::default(),
        })
    }

    /// What it waits for after a step.
    pub(crate) fn waits(&self) -> (Lsn, Subject) {
        let next = Lsn(self.lsn.map_or(0, |lsn| lsn.0) + 1);
        let number = self.collection.as_ref().map(|collection| collection.number());
        (next, if self.is_unsteady { Subject::Everything } else { Subject::Collection(number) })
    }

    /// Goes on after a wait: commits before did not concern it.
    pub(crate) fn woken(&mut self, why: Wake) {
        let seen = match why {
            Wake::Commit(lsn) => Lsn(lsn.0 - 1),
            Wake::Look(newest) => newest,
        };
        self.lsn = self.lsn.map(|lsn| lsn.max(seen));
    }

    /// The result at the newest state, if it is another than that of the step before.
    pub(crate) fn step(&mut self, interrupt: &Interrupt) -> Result<Option<Step>> {
        interrupt.take_over(self.filter.work());
        let view = self.store.view();
        let lsn = view.lsn();
        let is_first = self.lsn.is_none();
        if self.lsn.is_some_and(|last| last >= lsn) {
            return Ok(None);
        }
        let collection = view.catalogue().get(&self.name).cloned();
        let number = |one: &Option<Arc<Collection>>| one.as_ref().map(|collection| collection.number());
        // The versions of documents mean others since the database was put back in another state: all is told once more.
        let is_restored = self.lsn.is_some_and(|last| last < self.store.feed().restored());
        let is_same = !is_restored && number(&collection) == number(&self.collection);
        // So they do in another collection.
        if !is_same {
            self.told.clear();
        }
        if let Some(collection) = &collection {
            self.compare_as(collection)?;
        }
        let changed = match self.lsn {
            Some(last) if is_same && !self.is_unsteady => self.changed(last, lsn, interrupt)?,
            _ => None,
        };
        self.collection = collection;
        let followed = match changed {
            Some(keys) => self.follow(&keys, lsn)?,
            None => false,
        };
        if !followed {
            self.run_again(&view, interrupt)?;
        }
        self.lsn = Some(lsn);
        let limit = self.store.options().query_memory_limit;
        if self.window.bytes() > limit {
            let message = format!(
                "a live query holds {} documents, which takes more than queryMemoryLimit ({limit} bytes); give it a limit, or raise \
                 queryMemoryLimit",
                self.window.len()
            );
            return Err(Error::new(Kind::Limit, message));
        }
        self.tell(&view, is_first)
    }

    /// Compares strings as the collection does, which may be another one by now, unless the query says how.
    fn compare_as(&mut self, collection: &Collection) -> Result<()> {
        let (filter, options, constants) = &mut *self.given;
        if constants.is_named() || collection.collation() == *constants.collation() {
            return Ok(());
        }
        *constants = constants.clone().under(collection.collation());
        let Asked { filter, sort, projection, .. } = Asked::parse(filter, options, constants)?;
        (self.filter, self.sort, self.projection) = (filter, sort, projection.map(Box::new));
        Ok(())
    }

    /// The documents of the collection that commits after `last` and up to `lsn` have changed; `None` where that does not pay, or is not known.
    fn changed(&mut self, last: Lsn, lsn: Lsn, interrupt: &Interrupt) -> Result<Option<Vec<Key>>> {
        let Some(collection) = &self.collection else { return Ok(Some(Vec::new())) };
        let number = collection.number();
        if lsn.0 - last.0 > COMMITS {
            return Ok(None);
        }
        let most = CHANGES.max(self.window.len() / 4);
        let mut keys = std::collections::HashSet::<Key, foldhash::fast::RandomState>::default();
        let mut next = Lsn(last.0 + 1);
        while next <= lsn {
            interrupt.check(|| self.store.now())?;
            let read = match commits::read(&self.store, &mut self.reader, next, READ) {
                Ok(read) => read.unwrap_or_default(),
                Err(error) if error.kind() == Kind::HistoryLost => return Ok(None),
                Err(error) => return Err(error),
            };
            if read.is_empty() {
                return Ok(None);
            }
            for commit in read {
                if commit.lsn > lsn {
                    break;
                }
                next = Lsn(commit.lsn.0 + 1);
                for block in &commit.blocks {
                    for record in Records::new(&block.bytes) {
                        let shapes = collection.shapes();
                        let id = match record {
                            Ok(Record::Put(put)) if put.collection == number => {
                                let bytes = block.bytes.get(put.document).unwrap_or_default();
                                RawValue::new(bytes, shapes).get("_id")
                            }
                            Ok(Record::Delete { collection, id, .. }) if collection == number => {
                                Some(RawValue::new(id, shapes))
                            }
                            Ok(_) => continue,
                            Err(_) => return Ok(None),
                        };
                        keys.extend(id.map(key_of));
                    }
                }
                if keys.len() > most {
                    return Ok(None);
                }
            }
        }
        Ok(Some(keys.into_iter().collect()))
    }

    /// Looks the changed documents up; false where the query must be run again.
    fn follow(&mut self, keys: &[Key], lsn: Lsn) -> Result<bool> {
        let Some(collection) = self.collection.clone() else { return Ok(true) };
        let mut is_known = true;
        for key in keys {
            let found = point::at(&self.store, &collection, key, lsn)?;
            let now = match found {
                Some((slot, block, span)) => self.candidate(&collection, slot, &block, span)?,
                None => None,
            };
            is_known &= self.window.change(key, now);
        }
        Ok(is_known)
    }

    /// A document as it enters the result, if it matches.
    fn candidate(
        &self,
        collection: &Collection,
        slot: SlotId,
        block: &Arc<Block>,
        span: Span,
    ) -> Result<Option<Candidate>> {
        let document = RawValue::new(span.of(block), collection.shapes());
        let matches = self.filter.matches(document);
        if !self.filter.work().believe(matches)? {
            return Ok(None);
        }
        let key = document.get("_id").map(key_of);
        let key = key.ok_or_else(|| Error::new(Kind::Internal, "a document without an _id was found"))?;
        let sort_key = self.sort.as_ref().map(|sort| sort.key(document)).transpose()?;
        Ok(Some(Candidate { key, sort_key, slot, version: span.version() }))
    }

    fn run_again(&mut self, view: &View, interrupt: &Interrupt) -> Result<()> {
        let Some(collection) = self.collection.clone() else {
            self.window.refill(Vec::new(), true);
            return Ok(());
        };
        let lsn = view.lsn();
        let reading = ReadContext::new(&self.store, &collection, lsn, &self.filter, interrupt);
        let most = self.window.most();
        let query = Query {
            sort: self.sort.as_ref(),
            wanted: most.map(|most| most as u64),
            hint: self.hint.as_ref(),
            ..Query::of(&self.filter)
        };
        let plan = planner::plan(&collection, &query, lsn)?;
        let mut results = QueryResults::open(&reading, &query, &plan)?;
        let mut all = Vec::new();
        let mut failed = None;
        let is_full = |all: &Vec<Candidate>| most.is_some_and(|most| all.len() >= most);
        while !results.is_done() && failed.is_none() && !is_full(&all) {
            results.run(&reading, self.sort.as_ref(), &mut |Match { slot, block, span, .. }| {
                match self.candidate(&collection, slot, block, span) {
                    Ok(candidate) => all.extend(candidate),
                    Err(error) => failed = Some(error),
                }
                if failed.is_some() || is_full(&all) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let is_whole = !is_full(&all);
        self.window.refill(all, is_whole);
        Ok(())
    }

    /// What is told of the result; nothing where it is the one that was told.
    fn tell(&mut self, view: &View, is_first: bool) -> Result<Option<Step>> {
        let order: Vec<u64> = self.window.shown().map(|entry| entry.number).collect();
        let fresh: Vec<(u64, Life, Key)> = self
            .window
            .shown()
            .filter(|entry| self.told.get(&entry.number) != Some(&entry.life))
            .map(|entry| (entry.number, entry.life, entry.key.clone()))
            .collect();
        if !is_first && fresh.is_empty() && order == self.order {
            return Ok(None);
        }
        let mut documents = Vec::with_capacity(fresh.len());
        let gone =
            || Error::new(Kind::Internal, "a document of a live query is not in the state that has it");
        for (number, life, key) in fresh {
            let collection = self.collection.as_ref().ok_or_else(gone)?;
            let (_, block, span) = point::at(&self.store, collection, &key, view.lsn())?.ok_or_else(gone)?;
            let document = match &self.projection {
                None => Document::of_block(&block, span),
                Some(projection) => {
                    let raw = RawValue::new(span.of(&block), collection.shapes());
                    Document::Projected(projection.apply(raw, &self.filter)?)
                }
            };
            documents.push((number, document));
            self.told.insert(number, life);
        }
        if self.told.len() > order.len() {
            let shown: std::collections::HashSet<u64> = order.iter().copied().collect();
            self.told.retain(|number, _| shown.contains(number));
        }
        self.order.clone_from(&order);
        Ok(Some(Step { lsn: view.lsn(), order, documents, collection: self.collection.clone() }))
    }
}
